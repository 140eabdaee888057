#include "trainers/loop/step_key.h"

#include <cmath>

namespace temper {

namespace {

struct KeptNumbers : StateVisitor {
  Metrics all;
  void operator()(const std::string& name, double& value) override { all.emplace_back(name, value); }
  void operator()(const std::string& name, int64_t& value) override {
    all.emplace_back(name, static_cast<double>(value));
  }
  void operator()(const std::string&, ParamBuffer&) override {}
};

struct RecordedNumbers : KeptNumbers {
  void unrecorded(const std::string&, double&) override {}
  void unrecorded(const std::string&, int64_t&) override {}
};

}  // namespace

GraphKey step_key(TrainingState& s, int64_t batch_size) {
  GraphKey key{.size = batch_size, .numbers = {}};
  if (s.epoch_read) key.numbers.emplace_back("the epoch", static_cast<double>(s.progress.epoch));
  if (s.awp) key.numbers.emplace_back("awp", s.perturbs());
  for (const auto& [name, value] : s.values.named()) key.numbers.emplace_back("live value " + name, 0);
  RecordedNumbers kept;
  s.experiment.trainer.method->visit_state(kept);
  key.numbers.insert(key.numbers.end(), kept.all.begin(), kept.all.end());
  return key;
}

Metrics kept_numbers(const TrainingState& s) {
  KeptNumbers kept;
  s.experiment.trainer.method->visit_state(kept);
  return kept.all;
}

void check_kept(const TrainingState& s, const Metrics& before) {
  const Metrics now = kept_numbers(s);
  for (size_t i = 0; i < now.size() && i < before.size(); ++i)
    TEMPER_CHECK(now[i].second == before[i].second || std::isnan(before[i].second), "training: expected ",
                 s.experiment.trainer.name, " to keep '", now[i].first,
                 "' as it is within a step, because a GPU replays the step without the host, but it went from ",
                 before[i].second, " to ", now[i].second, "; change it in before_epoch() or after_step()");
}

}  // namespace temper
