// The emulated device's convolutions: reference engines with cuDNN's habits (what it fuses, what it has no engine for,
// work space, engines compiled at run time). A plan waits in the stream like a launch.
#include "kernels/runtime/cuda_handle.h"
#include "tests/emulation/device_memory.h"
#include "tests/fixtures/reference_engines_fixture.h"

namespace temper {

namespace {

using Pass = ConvPass;

bool narrow(const ConvKey& key) { return storage(key.type) != DType::f32; }

std::vector<test::ReferenceEngine> engines() {
  return {
      {.name = "fused",
       .takes = [](const ConvKey& key) { return !key.statistics && !(narrow(key) && key.shape.c % 8 != 0); },
       .compiled = true,
       .workspace = 1000},
      {.name = "plain",
       .takes =
           [](const ConvKey& key) { return test::plain(key) && !(narrow(key) && key.pass == Pass::backward_filter); }},
      {.name = "statistics", .takes = [](const ConvKey& key) { return key.statistics && key.type != ConvType::f32; }}};
}

class DevicePlan : public ConvPlan {
 public:
  DevicePlan(const ConvKey& key, std::unique_ptr<ConvPlan> plan) : key_(key), plan_(std::move(plan)) {}
  std::string engine() const override { return plan_->engine(); }
  bool compiled() const override { return plan_->compiled(); }
  int64_t workspace() const override { return plan_->workspace(); }
  std::string text() const override { return plan_->text(); }
  void execute(Stream stream, const ConvBindings& bindings, void* scratch) const override {
    const auto lies = [](const void* p, size_t bytes) {
      TEMPER_CHECK(emulation::on_device(p, bytes), "emulation: a convolution expected ", bytes,
                   " bytes of device memory at ", p);
    };
    for (const ConvArray& a : conv_arrays(key_))
      for (const ConvBinding& b : bindings)
        if (b.id == a.id) lies(b.data, a.elements * size_of(a.dtype));
    if (workspace() > 0) lies(scratch, workspace());
    emulation::enqueue(static_cast<cudaStream_t>(stream.handle),
                       [plan = plan_, bindings, scratch] { plan->execute({}, bindings, scratch); });
  }

 private:
  ConvKey key_;
  std::shared_ptr<const ConvPlan> plan_;  // shared with runs that still wait
};

class DeviceEngines : public ConvEngines {
 public:
  const char* name() const override { return "emulated"; }
  PlanSource source() const override { return {.library = "reference engines 1", .device = "emulated device (sm_90)"}; }
  std::vector<std::unique_ptr<ConvPlan>> find(const ConvKey& key, const ConvSearch& search,
                                              PlanRefusals& refusals) override {
    auto plans = reference_->find(key, search, refusals);
    for (auto& plan : plans) plan = std::make_unique<DevicePlan>(key, std::move(plan));
    return plans;
  }
  std::unique_ptr<ConvPlan> load(const ConvKey& key, const std::string& text) override {
    return std::make_unique<DevicePlan>(key, reference_->load(key, text));
  }
  double seconds(Stream stream, const std::function<void()>& work) override {
    const auto queue = static_cast<cudaStream_t>(stream.handle);
    const CudaEvent from = make_event(), to = make_event();
    TEMPER_CUDA_CALL(cudaEventRecord(from, queue));
    work();
    TEMPER_CUDA_CALL(cudaEventRecord(to, queue));
    TEMPER_CUDA_CALL(cudaEventSynchronize(to));
    float milliseconds = 0;
    TEMPER_CUDA_CALL(cudaEventElapsedTime(&milliseconds, from, to));
    return milliseconds / 1000;
  }

 private:
  std::unique_ptr<ConvEngines> reference_ = test::make_reference_engines({.engines = engines()});
};

}  // namespace

std::unique_ptr<ConvEngines> make_cuda_engines() { return std::make_unique<DeviceEngines>(); }
std::vector<std::pair<std::string, std::string>> cuda_engine_facts() { return {}; }

}  // namespace temper
