#include "core/cudnn/conv_engines_cudnn.h"

#include <algorithm>
#include <map>
#include <mutex>
#include <tuple>

#include "core/cudnn/conv_plan_cudnn.h"
#include "core/cudnn/run_time_compiler_cudnn.h"
#include "core/environment/device_cuda.h"
#include "core/graph/step_graph.h"
#include "kernels/runtime/memory.h"

namespace temper {

namespace {

using cudnn::check;

std::string version_text() {
  const size_t v = cudnnGetVersion();
  return cat("cuDNN ", v / 10000, ".", v % 10000 / 100, ".", v % 100);
}

using Handle = std::shared_ptr<CudaHandle<cudnnHandle_t, cudnnDestroy>>;

/// Handles of one device. cuDNN may be used from several threads as long as no two use one handle at the same time, so
/// a thread leases a handle for as long as it makes plans. A plan keeps the handle it was made with and runs with it.
class Handles {
 public:
  Handles() { TEMPER_CUDA_CALL(cudaGetDevice(&device_)); }

  /// Reserves a handle until the end of the block.
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
      const auto made = std::make_shared<Handle::element_type>();
      check(cudnnCreate(made->out()), "create handle");
      return made;
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
    TEMPER_ASSERT(handle_, "cuDNN: a plan for a described device cannot run");
    std::vector<int64_t> ids;
    std::vector<void*> pointers;
    for (const ConvBinding& b : bindings) {
      ids.push_back(b.id);
      pointers.push_back(b.data);
    }
    check(cudnnSetStream(*handle_, static_cast<cudaStream_t>(stream.handle)), "set stream");
    plan_.execute(*handle_, ids, pointers, scratch);
  }

 private:
  cudnn::Plan plan_;
  Handle handle_;
};

/// Work as a graph: launched one by one, small kernels take as long as the host needs to launch them.
std::unique_ptr<RecordedWork> recorded(Stream stream, const std::function<void()>& work) {
  const auto recorder = make_graph_recorder(Device::cuda);
  recorder->begin(stream);
  try {
    work();
  } catch (...) {
    recorder->abandon(stream);
    throw;
  }
  return recorder->end(stream);
}

/// What this process has compiled: the texts of plans, machine code included. Several engines may live in a process,
/// and tests make hundreds, but compiling takes a second and loading a hundredth.
class Compiled {
 public:
  /// A key, what was searched for, and the device.
  using Name = std::tuple<ConvKey, int64_t, std::string>;

  std::string get(const Name& name) {
    const std::lock_guard lock(mutex_);
    const auto it = texts_.find(name);
    return it == texts_.end() ? "" : it->second;
  }
  void put(const Name& name, std::string text) {
    const std::lock_guard lock(mutex_);
    texts_.emplace(name, std::move(text));
  }

 private:
  std::mutex mutex_;
  std::map<Name, std::string> texts_;
};

Compiled& compiled() {
  static Compiled all;
  return all;
}

int64_t count_run_time_engines(cudnn::Target target) {
  const ConvKey key{.shape = {.n = 128, .h = 32, .w = 32, .c = 64, .k = 64, .r = 3, .s = 3, .stride = 1, .pad = 1},
                    .type = ConvType::bf16,
                    .pass = ConvPass::backward_data,
                    .mask = true};
  const auto configs = cudnn::engine_configs(cudnn::conv_graph(key), target, cudnn::conv_limits(key));
  return std::count_if(configs.begin(), configs.end(),
                       [](const cudnn::Descriptor& c) { return cudnn::engine_facts(c).compiled; });
}

class CudnnEngines : public ConvEngines {
  auto with_target(auto make) {
    if (described_) return make(cudnn::Target{.device = &*described_}, Handle{});
    const Handles::Lease lease(*handles_);
    return make(cudnn::Target{.handle = *lease.get()}, lease.get());
  }

 public:
  /// On the current device, or on one that is only described.
  CudnnEngines() : device_(device_text()) {
    load_run_time_compiler();
    handles_ = std::make_unique<Handles>();
    // Asking compiles, so it is asked once a process.
    static const std::string fault = [&] {
      const std::string of_compiler = run_time_compiler_fault();
      return of_compiler.empty() && run_time_engines() == 0 ? "it proposes none" : of_compiler;
    }();
    run_time_fault_ = fault;
  }
  explicit CudnnEngines(const std::string& json) : device_("a described device") {
    load_run_time_compiler();
    described_ = cudnn::device_from_json(json);
  }

  const char* name() const override { return "cudnn"; }
  PlanSource source() const override { return {.library = version_text(), .device = device_}; }

  std::vector<std::unique_ptr<ConvPlan>> find(const ConvKey& key, const ConvSearch& search,
                                              PlanRefusals& refusals) override {
    const bool first_alone = search.most == 1 && search.without.empty();
    const Compiled::Name name{key, search.workspace, device_};
    if (const std::string text = first_alone ? compiled().get(name) : ""; !text.empty()) {
      std::vector<std::unique_ptr<ConvPlan>> plans;
      plans.push_back(load(key, text));
      return plans;
    }
    return with_target([&](cudnn::Target target, const Handle& handle) {
      std::vector<std::unique_ptr<ConvPlan>> plans;
      for (cudnn::Plan& plan :
           cudnn::find_plans(cudnn::conv_graph(key), target, cudnn::conv_limits(key, search), search.most, &refusals))
        plans.push_back(std::make_unique<CudnnPlan>(std::move(plan), handle));
      if (first_alone && !plans.empty() && plans[0]->compiled()) compiled().put(name, plans[0]->text());
      return plans;
    });
  }

  std::unique_ptr<ConvPlan> load(const ConvKey&, const std::string& text) override {
    return with_target([&](cudnn::Target target, const Handle& handle) {
      return std::unique_ptr<ConvPlan>(std::make_unique<CudnnPlan>(cudnn::plan_from_json(text, target), handle));
    });
  }

  double seconds(Stream stream, const std::function<void()>& work) override {
    constexpr int kRuns = 8;
    work();  // loads what is loaded lazily, which a recording must not
    const auto runs = recorded(stream, [&] {
      for (int i = 0; i < kRuns; ++i) work();
    });
    const auto queue = static_cast<cudaStream_t>(stream.handle);
    const CudaEvent from = make_event(), to = make_event();
    TEMPER_CUDA_CALL(cudaEventRecord(from, queue));
    runs->launch(stream);
    TEMPER_CUDA_CALL(cudaEventRecord(to, queue));
    TEMPER_CUDA_CALL(cudaEventSynchronize(to));
    float milliseconds = 0;
    TEMPER_CUDA_CALL(cudaEventElapsedTime(&milliseconds, from, to));
    return milliseconds / 1000 / kRuns;
  }

  int64_t run_time_engines() {
    return with_target([](cudnn::Target target, const Handle&) { return count_run_time_engines(target); });
  }
  std::vector<std::string> notes() const override {
    if (run_time_fault_.empty()) return {};
    return {cat("conv2d: ", version_text(), " on ", device_, " compiles no engines at run time: ", run_time_fault_,
                "; gradients of ReLUs are not fused, and 16-bit filter gradients are computed in f32, which is slow; "
                "have the loader find libnvrtc, and see with `temper version` which it finds")};
  }

 private:
  std::unique_ptr<Handles> handles_;
  std::optional<cudnn::Descriptor> described_;
  std::string device_;
  std::string run_time_fault_;  ///< not asked for a described device
};

}  // namespace

std::unique_ptr<ConvEngines> make_cuda_engines() { return std::make_unique<CudnnEngines>(); }
int64_t run_time_engines() { return CudnnEngines().run_time_engines(); }
int64_t run_time_engines(const std::string& device_json) { return CudnnEngines(device_json).run_time_engines(); }

std::vector<std::pair<std::string, std::string>> cuda_engine_facts() {
  std::vector<std::pair<std::string, std::string>> facts;
  for (const LoadedLibrary& l : cuda_libraries())
    facts.emplace_back(l.name, l.path.empty() ? "not loaded" : cat(l.version, l.version.empty() ? "" : ", ", l.path));
  const std::string fault = run_time_compiler_fault();
  facts.emplace_back("run_time_compiler", fault.empty() ? "works" : fault);
  if (!cuda_available()) return facts;
  try {
    facts.emplace_back("run_time_compiled_engines", cat(run_time_engines()));
  } catch (const Error& e) {
    facts.emplace_back("run_time_compiled_engines", cat("not known: ", e.what()));
  }
  return facts;
}

std::unique_ptr<ConvEngines> make_described_engines(const std::string& device_json) {
  return std::make_unique<CudnnEngines>(device_json);
}

}  // namespace temper
