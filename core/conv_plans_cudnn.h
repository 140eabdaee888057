#pragma once
// The plans of one cuDNN handle: chosen once per key, kept on disk. Only for files compiled with CUDA.
#include <functional>
#include <map>
#include <memory>

#include "core/conv_options.h"
#include "core/conv_plan_cudnn.h"
#include "core/plan_cache.h"

namespace temper::cudnn {

/// Seconds that `work` keeps the stream busy.
double elapsed(Stream stream, const std::function<void()>& work);

class ConvPlans {
 public:
  struct Options {
    PlanChoice choice = PlanChoice::proposed;
    std::string folder;
    int64_t workspace = 0;
    size_t timed = 8;  ///< candidates, with PlanChoice::timed
  };
  explicit ConvPlans(Options options);

  /// The key's plan, or null where cuDNN has none: from memory, from disk, or chosen now. `seconds` runs a candidate
  /// once; only asked with PlanChoice::timed.
  const Plan* get(const ConvKey& key, const std::function<double(const Plan&)>& seconds);
  /// Why there is none.
  std::string refusal(const ConvKey& key) const;

  cudnnHandle_t handle() const { return handle_.get(); }
  int64_t made() const { return made_; }
  const std::vector<std::string>& notes() const { return cache_.notes(); }

 private:
  struct Destroy {
    void operator()(cudnnHandle_t h) const { cudnnDestroy(h); }
  };
  struct Entry {
    std::unique_ptr<Plan> plan;
    PlanRefusals refusals;
  };
  Entry make(const ConvKey& key, const std::function<double(const Plan&)>& seconds);

  Options options_;
  std::unique_ptr<std::remove_pointer_t<cudnnHandle_t>, Destroy> handle_;
  PlanSource source_;
  PlanCache cache_;
  std::map<ConvKey, Entry> entries_;
  int64_t made_ = 0;
};

}  // namespace temper::cudnn
