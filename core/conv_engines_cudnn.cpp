#include "core/conv_engines_cudnn.h"

#include <algorithm>
#include <mutex>

#include "core/conv_plan_cudnn.h"
#include "core/device_cuda.h"
#include "kernels/runtime/cuda_call.h"

namespace temper {

namespace {

using cudnn::check;

std::string version_text() {
  const size_t v = cudnnGetVersion();
  return cat("cuDNN ", v / 10000, ".", v % 10000 / 100, ".", v % 100);
}

struct DestroyHandle {
  void operator()(cudnnHandle_t h) const { cudnnDestroy(h); }
};
using Handle = std::shared_ptr<std::remove_pointer_t<cudnnHandle_t>>;

/// Handles of one device. cuDNN may be used from several threads as long as no two use one handle at the same time, so
/// a thread leases a handle for as long as it makes plans. A plan keeps the handle it was made with and runs with it.
class Handles {
 public:
  Handles() { TEMPER_CUDA_CALL(cudaGetDevice(&device_)); }

  /// A handle that nobody else uses, until the end of the block.
  class Lease {
   public:
    explicit Lease(Handles& handles) : handles_(handles), handle_(handles.take()) {}
    ~Lease() { handles_.give_back(handle_); }
    Lease(const Lease&) = delete;
    const Handle& get() const { return handle_; }

   private:
    Handles& handles_;
    Handle handle_;
  };

 private:
  Handle take() {
    TEMPER_CUDA_CALL(cudaSetDevice(device_));  // of this thread
    const std::lock_guard lock(mutex_);
    if (free_.empty()) {
      cudnnHandle_t made = nullptr;
      check(cudnnCreate(&made), "create handle");
      return Handle(made, DestroyHandle{});
    }
    Handle handle = std::move(free_.back());
    free_.pop_back();
    return handle;
  }
  void give_back(Handle handle) {
    const std::lock_guard lock(mutex_);
    free_.push_back(std::move(handle));
  }

  int device_ = 0;
  std::mutex mutex_;
  std::vector<Handle> free_;
};

class CudnnPlan : public ConvPlan {
 public:
  CudnnPlan(cudnn::Plan plan, Handle handle) : plan_(std::move(plan)), handle_(std::move(handle)) {}

  std::string engine() const override { return name(plan_.facts); }
  bool compiled() const override { return plan_.facts.compiled; }
  int64_t workspace() const override { return plan_.workspace; }
  std::string text() const override { return plan_.json(); }
  void execute(Stream stream, const ConvBindings& bindings, void* scratch) const override {
    TEMPER_CHECK(handle_, "cuDNN: a plan for a described device cannot run");
    std::vector<int64_t> ids;
    std::vector<void*> pointers;
    for (const ConvBinding& b : bindings) {
      ids.push_back(b.id);
      pointers.push_back(b.data);
    }
    check(cudnnSetStream(handle_.get(), static_cast<cudaStream_t>(stream.handle)), "set stream");
    plan_.execute(handle_.get(), ids, pointers, scratch);
  }

 private:
  cudnn::Plan plan_;
  Handle handle_;
};

class Event {
 public:
  Event() { TEMPER_CUDA_CALL(cudaEventCreate(&event_)); }
  ~Event() { cudaEventDestroy(event_); }
  Event(const Event&) = delete;
  cudaEvent_t get() const { return event_; }

 private:
  cudaEvent_t event_ = nullptr;
};

class CudnnEngines : public ConvEngines {
  auto with_target(auto make) {
    if (described_) return make(cudnn::Target{.device = &*described_}, Handle{});
    const Handles::Lease lease(*handles_);
    return make(cudnn::Target{.handle = lease.get().get()}, lease.get());
  }

 public:
  /// On the current device, or on one that is only described.
  CudnnEngines() : handles_(std::make_unique<Handles>()), device_(device_text()) {}
  explicit CudnnEngines(const std::string& json)
      : described_(cudnn::device_from_json(json)), device_("a described device") {}

  const char* name() const override { return "cudnn"; }
  PlanSource source() const override { return {.library = version_text(), .device = device_}; }

  std::vector<std::unique_ptr<ConvPlan>> find(const ConvKey& key, const ConvSearch& search,
                                              PlanRefusals& refusals) override {
    return with_target([&](cudnn::Target target, const Handle& handle) {
      std::vector<std::unique_ptr<ConvPlan>> plans;
      for (cudnn::Plan& plan :
           cudnn::find_plans(cudnn::conv_graph(key), target, cudnn::conv_limits(key, search), search.most, &refusals))
        plans.push_back(std::make_unique<CudnnPlan>(std::move(plan), handle));
      return plans;
    });
  }

  std::unique_ptr<ConvPlan> load(const ConvKey&, const std::string& text) override {
    return with_target([&](cudnn::Target target, const Handle& handle) {
      return std::unique_ptr<ConvPlan>(std::make_unique<CudnnPlan>(cudnn::plan_from_json(text, target), handle));
    });
  }

  double seconds(Stream stream, const std::function<void()>& work) override {
    const auto queue = static_cast<cudaStream_t>(stream.handle);
    const Event from, to;
    TEMPER_CUDA_CALL(cudaEventRecord(from.get(), queue));
    work();
    TEMPER_CUDA_CALL(cudaEventRecord(to.get(), queue));
    TEMPER_CUDA_CALL(cudaEventSynchronize(to.get()));
    float milliseconds = 0;
    TEMPER_CUDA_CALL(cudaEventElapsedTime(&milliseconds, from.get(), to.get()));
    return milliseconds / 1000;
  }

 private:
  std::unique_ptr<Handles> handles_;
  std::optional<cudnn::Descriptor> described_;
  std::string device_;
};

}  // namespace

std::unique_ptr<ConvEngines> make_cuda_engines() { return std::make_unique<CudnnEngines>(); }
std::unique_ptr<ConvEngines> make_described_engines(const std::string& device_json) {
  return std::make_unique<CudnnEngines>(device_json);
}

}  // namespace temper
