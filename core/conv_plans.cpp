#include "core/conv_plans.h"

#include "core/plan_choice.h"
#include "kernels/runtime/check.h"

namespace temper {

ConvPlans::ConvPlans(std::unique_ptr<ConvEngines> engines, Options options)
    : engines_(std::move(engines)), options_(std::move(options)), source_(engines_->source()), cache_(options_.folder) {
  source_.workspace = options_.workspace;
}

const ConvPlan* ConvPlans::get(const ConvKey& key, const std::function<double(const ConvPlan&)>& seconds) {
  auto it = entries_.find(key);
  if (it == entries_.end()) it = entries_.emplace(key, make(key, seconds)).first;
  return it->second.plan.get();
}

std::string ConvPlans::refusal(const ConvKey& key) const {
  const auto it = entries_.find(key);
  return refusal_text(key, it == entries_.end() ? PlanRefusals{} : it->second.refusals, source_);
}

ConvPlans::Entry ConvPlans::make(const ConvKey& key, const std::function<double(const ConvPlan&)>& seconds) {
  ++made_;
  const bool timed = options_.choice == PlanChoice::timed;
  const std::string id = cat(id_text(key), "; deterministic, ", timed ? "timed" : "proposed", ", at most ",
                             options_.workspace >> 20, " MiB; ", source_.library, ", ", source_.device);
  if (const auto text = cache_.load(id)) try {
      return {.plan = engines_->load(key, *text)};
    } catch (const Error& e) {
      cache_.reject(id, e.what());
    }
  Entry entry;
  auto plans =
      engines_->find(key, {.workspace = options_.workspace, .most = timed ? options_.timed : 1}, entry.refusals);
  if (plans.empty()) return entry;
  const size_t best = plans.size() > 1 ? fastest(plans.size(), [&](size_t i) { return seconds(*plans[i]); }) : 0;
  entry.plan = std::move(plans[best]);
  try {
    cache_.store(id, entry.plan->text());
  } catch (const Error&) {  // an engine without a text form is chosen anew every time
  }
  return entry;
}

}  // namespace temper
