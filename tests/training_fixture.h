#pragma once
// A data set of 8 x 8 images that take milliseconds to learn, a network for it, and experiments on both.
#include <string>
#include <vector>

#include "nn/layers.h"
#include "tests/method_fixture.h"
#include "tests/temporary_folder.h"
#include "trainers/loop/loop.h"
#include "trainers/loop/train_step.h"
#include "trainers/state/state.h"

namespace temper::test {

/// The settings of a short run: 60 images of 3 classes, 12 of them for validation, 3 epochs of 6 steps.
inline std::string tiny_yaml(const std::string& trainer) {
  return "seed: 5\n"
         "device: cpu\n"
         "threads: 1\n"
         "data: {name: test_stripes, validation: 12}\n"
         "model: {name: test_net}\n"
         "trainer: " +
         trainer +
         "\n"
         "optimizer: {lr: 0.05}\n"
         "loop: {epochs: 3, batch_size: 8, log_every: 1}\n"
         "evaluation: {batch_size: 7, validation: {name: pgd, radius: 0.05, step: 0.02, steps: 2}}\n";
}
inline const std::string kPgdAt = "{name: pgd_at, attack_bn: eval, attack: {radius: 0.05, step: 0.02, steps: 2}}";

inline Experiment tiny(const std::string& trainer = kPgdAt, const std::vector<std::string>& set = {}) {
  return read_experiment(parse_config(tiny_yaml(trainer), "tiny.yaml", set));
}

/// Settings, with what puts an experiment on a device: little memory of a GPU, and plans of this process alone.
inline std::vector<std::string> on(Device device, std::vector<std::string> set = {}) {
  static const TemporaryFolder plans;
  if (device == Device::cpu) return set;
  set.insert(set.begin(), {"device=cuda", "memory.arena_mb=64", "convolution.cache=" + plans.path().string()});
  return set;
}

/// Everything a flat buffer holds, array by array.
inline std::vector<std::vector<double>> arrays_of(const Flat& flat) {
  std::vector<std::vector<double>> out;
  for (int i = 0; i < flat.store().count(); ++i) out.push_back(flat.read(i));
  return out;
}

/// What training leaves behind: loss, rate and gradient norm of every step, then weights, statistics and averages.
struct Trace {
  std::vector<double> losses, numbers;
  int64_t launched = 0;  ///< steps that a GPU repeated by itself
};

/// The first steps of an experiment, epoch after epoch, without validation.
inline Trace first_steps(Experiment& e, int64_t steps) {
  TrainingState state(e, read_splits(e));
  Trace out;
  for (state.progress.epoch = 1; steps > 0; ++state.progress.epoch) {
    state.progress.step = 0;
    TrainContext context = state.context();
    e.trainer.method->before_epoch(context);
    for (; steps > 0 && state.progress.step < state.steps_per_epoch(); --steps) {
      const StepNumbers n = train_step(state, "none");
      out.losses.push_back(n.loss);
      out.numbers.insert(out.numbers.end(), {n.loss, n.lr, n.grad_norm});
    }
  }
  const auto append = [&](const Flat& flat) {
    for (const auto& array : arrays_of(flat)) out.numbers.insert(out.numbers.end(), array.begin(), array.end());
  };
  append(state.network->weights().params);
  append(state.network->weights().buffers);
  for (auto* average : {&state.ema, &state.swa})
    if (*average) append((*average)->weights().params);
  out.launched = state.graph->launched();
  return out;
}

/// Keeps what it is shown.
struct Recorder : Observer {
  std::vector<StartReport> starts;
  std::vector<StepReport> steps;
  std::vector<EpochReport> epochs;
  std::vector<EndReport> ends;
  std::vector<std::string> warnings;
  void on_start(const StartReport& r) override { starts.push_back(r); }
  void on_step(const StepReport& r) override { steps.push_back(r); }
  void on_epoch(const EpochReport& r) override { epochs.push_back(r); }
  void on_end(const EndReport& r) override { ends.push_back(r); }
  void on_warning(const std::string& text) override { warnings.push_back(text); }
};

}  // namespace temper::test
