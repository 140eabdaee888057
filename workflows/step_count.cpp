#include "workflows/step_count.h"

#include <algorithm>

#include "core/ops/loss.h"
#include "core/text.h"
#include "data/random_images.h"
#include "evaluation/robust_accuracy.h"
#include "trainers/loop/train_step.h"
#include "trainers/methods/parts/other_network.h"

namespace temper {

namespace {

constexpr int64_t kCounted = 2;  ///< images: batch statistics need more than one

/// The longest interval, in steps, of what a section does only every so many steps: its keys `every`.
int64_t interval_of(const ConfigNode& section) {
  int64_t longest = 1;
  for (const auto& [key, value] : section.entries())
    longest = std::max(longest, key == "every" ? static_cast<int64_t>(parse_number(value.text())) : interval_of(value));
  return longest;
}

}  // namespace

PassCount count_passes(const Arithmetic& work, const NetworkPasses& one) {
  PassCount n{.forward = work.forward / one.forward.forward,
              .to_weights = work.filter_gradient / one.to_weights.filter_gradient};
  n.to_images = (work.data_gradient - n.to_weights * one.to_weights.data_gradient) / one.to_images.data_gradient;
  return n;
}

DataSplits random_splits(const DataSize& size, int64_t count) {
  const ImageSet like{.height = size.height, .width = size.width, .channels = size.channels, .classes = size.classes};
  return {.train = random_images(like, count), .shape = {size.height, size.width, size.channels, size.classes}};
}

Experiment changed(const Experiment& experiment, const std::vector<std::string>& overrides) {
  std::vector<std::string> all = {"model.weights=''", "loop.probe.every=0", "data.extra.files=[]",
                                  "data.extra.share=0"};
  for (const auto& [key, value] : experiment.resolved["trainer"].entries())
    if (value.find("weights")) all.push_back(cat("trainer.", key, ".weights=", kUntrained));
  all.insert(all.end(), overrides.begin(), overrides.end());
  return read_experiment(parse_config(experiment.resolved.yaml(), "cost", all));
}

StepCounter::StepCounter(const Experiment& experiment, const DataSize& size)
    : experiment_(changed(experiment, {cat("loop.batch_size=", kCounted), "device=cpu", "graph=off", "exact=false",
                                       "precision.compute=f32", "optimizer.lr=1e-6"})),
      state_(experiment_, random_splits(size, kCounted), &log_),
      images_(state_.engine, random_splits(size, kCounted).train, {.batch_size = kCounted}),
      interval_(interval_of(experiment.resolved["trainer"])) {
  // What is measured once, at a first use, is no part of a step.
  state_.network->activation_bytes(state_.engine);
  train_step(state_, {});
}

template <class F>
Arithmetic StepCounter::counted(int64_t steps, const F& work) {
  const Arena::Scope scope(state_.engine.arena());
  log_.clear();
  work();
  return 1.0 / static_cast<double>(kCounted * steps) * arithmetic_of(log_);
}

NetworkPasses StepCounter::passes() {
  const Network& network = *state_.network;
  const auto both = [&](Wrt wrt) {
    return counted(1, [&] {
      const Batch batch = images_.load(0, 0);
      Tape tape(state_.engine, wrt);
      const Var logits = network(tape, tape.input(batch.images), {.update = BnUpdate::no});
      const Var loss = cross_entropy(tape, logits, batch.labels);
      if (wrt == Wrt::params)
        tape.backward(loss, state_.trained.front().gradient);
      else
        tape.backward(loss);
    });
  };
  NetworkPasses one{.to_images = both(Wrt::input), .to_weights = both(Wrt::params)};
  one.forward = {.forward = one.to_images.forward};
  one.to_images.forward = one.to_weights.forward = 0;
  return one;
}

const Arithmetic& StepCounter::step(int64_t epoch) {
  const auto known = steps_.find(epoch);
  if (known != steps_.end()) return known->second;
  state_.progress.epoch = epoch;
  state_.progress.total_steps = 0;
  TrainContext context = state_.context();
  experiment_.trainer.method->before_epoch(context);
  return steps_[epoch] = counted(interval_, [&] {
           for (int64_t i = 0; i < interval_; ++i) {
             state_.progress.step = 0;
             train_step(state_, {});
           }
         });
}

Arithmetic StepCounter::evaluation(const Attack* attack) {
  const Pass pass = Pass::eval(experiment_.trainer.method->eval_branch(*state_.network));
  return counted(1, [&] { evaluate(state_.engine, *state_.network, pass, images_, attack); });
}

}  // namespace temper
