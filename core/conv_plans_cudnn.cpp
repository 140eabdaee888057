#include "core/conv_plans_cudnn.h"

#include "core/device_cuda.h"
#include "core/plan_choice.h"
#include "kernels/runtime/cuda_call.h"

namespace temper::cudnn {

namespace {

std::string version_text() {
  const size_t v = cudnnGetVersion();
  return cat("cuDNN ", v / 10000, ".", v % 10000 / 100, ".", v % 100);
}

class Event {
 public:
  Event() { TEMPER_CUDA_CALL(cudaEventCreate(&event_)); }
  ~Event() { cudaEventDestroy(event_); }
  Event(const Event&) = delete;
  cudaEvent_t get() const { return event_; }

 private:
  cudaEvent_t event_ = nullptr;
};

}  // namespace

double elapsed(Stream stream, const std::function<void()>& work) {
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

ConvPlans::ConvPlans(Options options) : options_(std::move(options)), cache_(options_.folder) {
  cudnnHandle_t handle = nullptr;
  check(cudnnCreate(&handle), "create handle");
  handle_.reset(handle);
  source_ = {.library = version_text(), .device = device_text(), .workspace = options_.workspace};
}

const Plan* ConvPlans::get(const ConvKey& key, const std::function<double(const Plan&)>& seconds) {
  auto it = entries_.find(key);
  if (it == entries_.end()) it = entries_.emplace(key, make(key, seconds)).first;
  return it->second.plan.get();
}

std::string ConvPlans::refusal(const ConvKey& key) const {
  const auto it = entries_.find(key);
  return refusal_text(key, it == entries_.end() ? PlanRefusals{} : it->second.refusals, source_);
}

ConvPlans::Entry ConvPlans::make(const ConvKey& key, const std::function<double(const Plan&)>& seconds) {
  ++made_;
  const bool timed = options_.choice == PlanChoice::timed;
  const std::string id = cat(id_text(key), "; deterministic, ", timed ? "timed" : "proposed", ", at most ",
                             options_.workspace >> 20, " MiB; ", source_.library, ", ", source_.device);
  if (const auto json = cache_.load(id)) try {
      return {.plan = std::make_unique<Plan>(plan_from_json(*json, {.handle = handle()}))};
    } catch (const Error& e) {
      cache_.reject(id, e.what());
    }
  Entry entry;
  std::vector<Plan> plans = find_plans(conv_graph(key), {.handle = handle()}, conv_limits(key, options_.workspace),
                                       timed ? options_.timed : 1, &entry.refusals);
  if (plans.empty()) return entry;
  const size_t best = plans.size() > 1 ? fastest(plans.size(), [&](size_t i) { return seconds(plans[i]); }) : 0;
  entry.plan = std::make_unique<Plan>(std::move(plans[best]));
  try {
    cache_.store(id, entry.plan->json());
  } catch (const Error&) {  // an engine without a text form is chosen anew every time
  }
  return entry;
}

}  // namespace temper::cudnn
