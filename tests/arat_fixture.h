#pragma once
// What tests of AR-AT share.
#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "tests/catch.h"
#include "tests/training_fixture.h"

namespace temper::test {

using Values = std::vector<std::vector<double>>;

inline Values read(const Flat& flat, const std::string& glob) {
  Values out;
  for (const int i : flat.store().match(glob)) out.push_back(flat.read(i));
  return out;
}

/// The arrays of the adversarial branch, the first, have PyTorch's names; those of the other have its name in them.
inline Values of_branch(const Flat& flat, bool clean) {
  Values out;
  for (int i = 0; i < flat.store().count(); ++i) {
    const std::string& name = flat.store()[i].name;
    if (name.starts_with("bn") && (name.find(".clean.") != std::string::npos) == clean) out.push_back(flat.read(i));
  }
  return out;
}

inline double largest(const Values& v) {
  double out = 0;
  for (const auto& one : v)
    for (const double x : one) out = std::max(out, std::abs(x));
  return out;
}

inline void check_close(const Values& a, const Values& b) {
  REQUIRE(a.size() == b.size());
  REQUIRE(!a.empty());
  for (size_t i = 0; i < a.size(); ++i)
    for (size_t e = 0; e < a[i].size(); ++e) CHECK(a[i][e] == Approx(b[i][e]).margin(1e-6));
}

inline const std::string kAratAttack = "attack: {radius: 0.05, step: 0.02, steps: 2}";

struct AratSetup {
  Experiment experiment;
  TrainingState state;
  explicit AratSetup(Device device, const std::string& options = kAratAttack, std::vector<std::string> set = {})
      : experiment(tiny("{name: arat, " + options + "}", on(device, with_branches(set)))),
        state(experiment, read_splits(experiment)) {}

  static std::vector<std::string> with_branches(std::vector<std::string> set) {
    set.insert(set.begin(), "model.branches=[adv, clean]");
    return set;
  }
  Trainer& method() { return *experiment.trainer.method; }
  Weights& weights() { return state.network->weights(); }
  const Flat& gradient(size_t i = 0) const { return state.trained.at(i).gradient; }
  double first_batch() {
    const Arena::Scope scope(state.engine.arena());
    const Batch batch = state.train.load(1, 0);
    TrainContext context = logging();
    return method().gradients(context, batch, state.gradients());
  }
  TrainContext logging() {
    state.log->open();
    TrainContext context = state.context();
    context.logged = &*state.log;
    return context;
  }
  /// What was logged, of the first batch or of the epoch.
  double metric(const std::string& name) {
    for (const auto& [n, v] : state.logged(state.step_sums->read()))
      if (n == name) return v;
    return NAN;
  }
  double epoch_metric(const std::string& name) {
    TrainContext context = logging();
    method().after_epoch(context);
    return metric(name);
  }
  double live(const std::string& name) {
    double out = NAN;
    const auto find = [&](const std::string& n, double v) {
      if (n == name) out = v;
    };
    method().live_values(find, state.context());
    return out;
  }
};

}  // namespace temper::test
