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
    size_t threads = 16;  ///< limit, for make_noted()
    /// The program of worker processes for make_noted() (core/plans/plan_workers.h); empty: plans are made in this
    /// process.
    std::string program = {};
  };
  ConvPlans(std::unique_ptr<ConvEngines> engines, Options options);

  /// Whether the answer of get() is in memory.
  bool known(const ConvKey& key) const { return entries_.count(key) > 0; }
  /// The plan of a key: from memory, from disk, or chosen now; null if the library has none. A new plan is checked, and
  /// timed against others, in stream order. Throws Error if that happens during a capture.
  const ConvPlan* get(Stream stream, const ConvKey& key);
  /// The error text if there is none.
  std::string refusal(const ConvKey& key) const;

  /// Notes alternatives: the first of these keys that has a plan will be needed.
  void note(std::vector<ConvKey> keys) { noted_.push_back(std::move(keys)); }
  /// get() for all noted keys, in parallel.
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
  /// The candidates for a key, best first, before any of them has run.
  struct Found {
    Plans plans;
    PlanRefusals refusals;
    std::optional<PlanRecord> kept;
    std::string not_loaded = {};  ///< why the stored plan could not be loaded
  };
  std::string id(const ConvKey& key) const;
  std::optional<PlanRecord> kept(const ConvKey& key);
  ConvSearch search(const std::vector<std::string>& without) const;
  /// Thread-safe. Plans that are not stored are searched for by `workers`, if there are any.
  Found find(const ConvKey& key, std::optional<PlanRecord> kept, PlanWorkers* workers = nullptr) const;
  /// find() for several keys in parallel.
  std::vector<Found> find_all(const std::vector<ConvKey>& keys);
  /// Chooses the fastest correct plan, and stores it with the verdicts.
  Entry settle(Stream stream, const ConvKey& key, Found found);
  /// Null, with a note, if there is not enough memory.
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
