#pragma once
#include <map>
#include <optional>

#include "core/plans/conv_engines.h"
#include "core/plans/plan_cache.h"
#include "core/plans/plan_record.h"

namespace temper {

class ConvTrial;
class PlanWorkers;

/// The plans of one library: chosen once per key, checked, kept on disk.
class ConvPlans {
 public:
  struct Options {
    PlanChoice choice = PlanChoice::proposed;
    PlanCheck check = PlanCheck::on;
    std::string folder;
    int64_t workspace = 0;
    size_t timed = 8;     ///< candidates, with PlanChoice::timed
    size_t threads = 16;  ///< at most, for make_noted()
    /// For make_noted() of several keys: a program that makes plans (core/plans/plan_workers.h); empty: this process
    /// does.
    std::string program = {};
  };
  ConvPlans(std::unique_ptr<ConvEngines> engines, Options options);

  /// Whether get() would find the key's plan, or that there is none, in memory.
  bool known(const ConvKey& key) const { return entries_.count(key) > 0; }
  /// The key's plan, or null where the library has none: from memory, from disk, or chosen now. A plan that is new is
  /// checked, and timed against others, in stream order. Throws Error where that is in a recording.
  const ConvPlan* get(Stream stream, const ConvKey& key);
  /// Why there is none.
  std::string refusal(const ConvKey& key) const;

  /// The first of these keys that has a plan will be asked for.
  void note(std::vector<ConvKey> keys) { noted_.push_back(std::move(keys)); }
  /// What get() would do for all that was noted, but for several keys at once.
  void make_noted(Stream stream);

  ConvEngines& engines() const { return *engines_; }
  int64_t made() const { return made_; }
  double trial_seconds() const { return trial_seconds_; }  ///< spent on timing and checking plans
  std::vector<std::string> notes() const;

 private:
  struct Entry {
    std::unique_ptr<ConvPlan> plan;
    PlanRefusals refusals;
  };
  using Plans = std::vector<std::unique_ptr<ConvPlan>>;
  /// What a library has for a key, best first, before anything has run.
  struct Found {
    Plans plans;
    PlanRefusals refusals;
    std::optional<PlanRecord> kept;
    std::string not_loaded = {};  ///< why the plan that was kept is of no use
  };
  std::string id(const ConvKey& key) const;
  std::optional<PlanRecord> kept(const ConvKey& key);
  ConvSearch search(const std::vector<std::string>& without) const;
  /// From any thread; what is not kept is searched for by `workers`, if there are any.
  Found find(const ConvKey& key, std::optional<PlanRecord> kept, PlanWorkers* workers = nullptr) const;
  /// find() of several keys, side by side.
  std::vector<Found> find_all(const std::vector<ConvKey>& keys);
  /// Takes the fastest plan that is right, and keeps what was learned.
  Entry settle(Stream stream, const ConvKey& key, Found found);
  /// Null, with a note, where there is no memory for it.
  std::unique_ptr<ConvTrial> make_trial(Stream stream, const ConvKey& key, const Plans& plans);
  size_t fastest_of(Stream stream, const Plans& plans, const ConvTrial* trial) const;

  std::unique_ptr<ConvEngines> engines_;
  Options options_;
  PlanSource source_;
  PlanCache cache_;
  std::map<ConvKey, Entry> entries_;
  std::vector<std::vector<ConvKey>> noted_;
  std::vector<std::string> notes_;
  int64_t made_ = 0;
  double trial_seconds_ = 0;
};

}  // namespace temper
