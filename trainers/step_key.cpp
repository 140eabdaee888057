#include "trainers/step_key.h"

namespace temper {

namespace {

struct KeptNumbers : StateVisitor {
  GraphKey& key;
  explicit KeptNumbers(GraphKey& key) : key(key) {}
  void operator()(const std::string& name, double& value) override { key.numbers.emplace_back(name, value); }
  void operator()(const std::string& name, int64_t& value) override {
    key.numbers.emplace_back(name, static_cast<double>(value));
  }
  void operator()(const std::string&, Flat&) override {}
  void unrecorded(const std::string&, double&) override {}
  void unrecorded(const std::string&, int64_t&) override {}
};

}  // namespace

GraphKey step_key(TrainingState& s, int64_t batch_size) {
  GraphKey key{.size = batch_size, .numbers = {}};
  if (s.epoch_read) key.numbers.emplace_back("the epoch", static_cast<double>(s.progress.epoch));
  for (const auto& [name, value] : s.values.named()) key.numbers.emplace_back("live value " + name, 0);
  KeptNumbers kept(key);
  s.experiment.trainer.method->visit_state(kept);
  return key;
}

}  // namespace temper
