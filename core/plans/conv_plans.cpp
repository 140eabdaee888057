#include "core/plans/conv_plans.h"

#include <algorithm>
#include <chrono>
#include <set>

#include "core/environment/cpus.h"
#include "core/plans/conv_trial.h"
#include "core/plans/plan_choice.h"
#include "core/plans/plan_workers.h"
#include "core/threads/parallel.h"
#include "kernels/runtime/capture.h"
#include "kernels/runtime/check.h"

namespace temper {

namespace {

std::string key_text(const ConvKey& key) {
  return cat("conv2d ", pass_text(key), " in ", name(key.type), " of ", shape_text(key.shape));
}

bool has_plan(const std::optional<PlanRecord>& record) { return record && !record->plan.empty(); }

/// Searches from which on it pays to start processes, which takes a second or two.
constexpr std::ptrdiff_t kWorthIt = 4;

/// An engine without a text form is selected again by every process.
std::string text(const ConvPlan& plan) {
  try {
    return plan.text();
  } catch (const Error&) {
    return "";
  }
}

}  // namespace

ConvPlans::ConvPlans(std::unique_ptr<ConvEngines> engines, Options options)
    : engines_(std::move(engines)), options_(std::move(options)), source_(engines_->source()), cache_(options_.folder) {
  source_.workspace = options_.workspace;
}

const ConvPlan* ConvPlans::get(Stream stream, const ConvKey& key) {
  auto it = entries_.find(key);
  if (it == entries_.end()) {
    if (stream.capture) stream.capture->forbid_in_capture("conv2d: a plan is chosen and checked");
    it = entries_.emplace(key, settle(stream, key, find(key, kept(key)))).first;
  }
  return it->second.plan.get();
}

void ConvPlans::make_noted(Stream stream) {
  if (stream.capture) stream.capture->forbid_in_capture("conv2d: plans are chosen and checked");
  while (!noted_.empty()) {
    std::set<ConvKey> wanted;
    for (const auto& chain : noted_)
      if (!known(chain.front())) wanted.insert(chain.front());
    const std::vector<ConvKey> keys(wanted.begin(), wanted.end());
    std::vector<Found> found = find_all(keys);
    for (size_t i = 0; i < keys.size(); ++i) entries_.emplace(keys[i], settle(stream, keys[i], std::move(found[i])));
    std::erase_if(noted_, [&](std::vector<ConvKey>& chain) {
      if (entries_.at(chain.front()).plan) return true;
      chain.erase(chain.begin());
      return chain.empty();
    });
  }
}

std::vector<ConvPlans::Found> ConvPlans::find_all(const std::vector<ConvKey>& keys) {
  std::vector<std::optional<PlanRecord>> records;
  for (const ConvKey& key : keys) records.push_back(kept(key));
  std::optional<PlanWorkers> workers;
  if (!options_.program.empty() &&
      std::ssize(records) - std::count_if(records.begin(), records.end(), has_plan) >= kWorthIt)
    workers.emplace(options_.program, *engines_);
  std::vector<Found> found(keys.size());
  in_parallel(keys.size(), std::min<size_t>(options_.threads, cpus()),
              [&](size_t i) { found[i] = find(keys[i], std::move(records[i]), workers ? &*workers : nullptr); });
  if (workers && !workers->failure().empty())
    notes_.push_back(
        cat("plans: no other process could make them, so this one made them one after another: ", workers->failure()));
  return found;
}

std::string ConvPlans::refusal(const ConvKey& key) const {
  const auto it = entries_.find(key);
  return refusal_text(key, it == entries_.end() ? PlanRefusals{} : it->second.refusals, source_);
}

std::vector<std::string> ConvPlans::notes() const {
  std::vector<std::string> all = engines_->notes();
  for (const auto* more : {&cache_.notes(), &notes_}) all.insert(all.end(), more->begin(), more->end());
  return all;
}

std::string ConvPlans::id(const ConvKey& key) const {
  return cat(id_text(key), "; deterministic, ", options_.choice == PlanChoice::timed ? "timed" : "proposed",
             ", at most ", options_.workspace >> 20, " MiB; ", source_.library, ", ", source_.device);
}

std::optional<PlanRecord> ConvPlans::kept(const ConvKey& key) {
  if (const auto text = cache_.load(id(key))) try {
      return PlanRecord::from(*text);
    } catch (const Error& e) {
      cache_.reject(id(key), e.what());
    }
  return std::nullopt;
}

ConvSearch ConvPlans::search(const std::vector<std::string>& without) const {
  return {.workspace = options_.workspace,
          .most = options_.choice == PlanChoice::timed ? options_.timed : 1,
          .without = without};
}

ConvPlans::Found ConvPlans::find(const ConvKey& key, std::optional<PlanRecord> kept, PlanWorkers* workers) const {
  Found found{.kept = std::move(kept)};
  if (has_plan(found.kept)) try {
      found.plans.push_back(engines_->load(key, found.kept->plan));
      return found;
    } catch (const Error& e) {
      found.not_loaded = e.what();
    }
  const ConvSearch wanted = search(found.kept ? found.kept->wrong : std::vector<std::string>());
  found.plans = workers ? workers->find(key, wanted, found.refusals) : engines_->find(key, wanted, found.refusals);
  return found;
}

ConvPlans::Entry ConvPlans::settle(Stream stream, const ConvKey& key, Found found) {
  ++made_;
  if (!found.not_loaded.empty()) cache_.reject(id(key), found.not_loaded);
  const PlanRecord kept = found.kept.value_or(PlanRecord{});
  PlanRecord record{.wrong = kept.wrong};
  Entry entry;
  const auto start = std::chrono::steady_clock::now();
  while (!found.plans.empty() && !entry.plan) {
    const bool trusted = options_.check == PlanCheck::off || (kept.checked && kept.engine == found.plans[0]->engine());
    const auto trial = found.plans.size() > 1 || !trusted ? make_trial(stream, key, found.plans) : nullptr;
    std::unique_ptr<ConvPlan> plan = std::move(found.plans[fastest_of(stream, found.plans, trial.get())]);
    record.plan = text(*plan);
    record.engine = plan->engine();
    record.checked = kept.checked && kept.engine == record.engine;
    if (trial && !record.checked && options_.check == PlanCheck::on) {
      const std::string fault = trial->fault(*plan);
      record.checked = fault.empty();
      if (!record.checked) {
        notes_.push_back(cat(key_text(key), ": engine ", record.engine, " of ", source_.library, " on ", source_.device,
                             " gives a wrong result and is not used for it: ", fault));
        record.wrong.push_back(record.engine);
        found.refusals = {};
        found.plans = engines_->find(key, search(record.wrong), found.refusals);
        continue;
      }
    }
    entry.plan = std::move(plan);
  }
  trial_seconds_ += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  entry.refusals = std::move(found.refusals);
  if (!entry.plan) record = {.wrong = record.wrong};
  if (record != kept) cache_.store(id(key), record.text());
  return entry;
}

std::unique_ptr<ConvTrial> ConvPlans::make_trial(Stream stream, const ConvKey& key, const Plans& plans) {
  int64_t workspace = 0;
  for (const auto& plan : plans) workspace = std::max(workspace, plan->workspace());
  try {
    return std::make_unique<ConvTrial>(stream, key, workspace);
  } catch (const Error& e) {
    notes_.push_back(cat(key_text(key), ": its plan is neither timed nor checked: ", e.what()));
    return nullptr;
  }
}

size_t ConvPlans::fastest_of(Stream stream, const Plans& plans, const ConvTrial* trial) const {
  if (plans.size() == 1 || !trial) return 0;
  return fastest(plans.size(), [&](size_t i) { return engines_->seconds(stream, [&] { trial->run(*plans[i]); }); });
}

}  // namespace temper
