#pragma once
#include <map>

#include "core/conv_engines.h"
#include "core/plan_cache.h"

namespace temper {

/// The plans of one library: chosen once per key, kept on disk.
class ConvPlans {
 public:
  struct Options {
    PlanChoice choice = PlanChoice::proposed;
    std::string folder;
    int64_t workspace = 0;
    size_t timed = 8;  ///< candidates, with PlanChoice::timed
  };
  ConvPlans(std::unique_ptr<ConvEngines> engines, Options options);

  /// The key's plan, or null where the library has none: from memory, from disk, or chosen now. `seconds` times a
  /// candidate; only asked with PlanChoice::timed.
  const ConvPlan* get(const ConvKey& key, const std::function<double(const ConvPlan&)>& seconds);
  /// Why there is none.
  std::string refusal(const ConvKey& key) const;

  ConvEngines& engines() const { return *engines_; }
  int64_t made() const { return made_; }
  const std::vector<std::string>& notes() const { return cache_.notes(); }

 private:
  struct Entry {
    std::unique_ptr<ConvPlan> plan;
    PlanRefusals refusals;
  };
  Entry make(const ConvKey& key, const std::function<double(const ConvPlan&)>& seconds);

  std::unique_ptr<ConvEngines> engines_;
  Options options_;
  PlanSource source_;
  PlanCache cache_;
  std::map<ConvKey, Entry> entries_;
  int64_t made_ = 0;
};

}  // namespace temper
