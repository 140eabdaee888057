#include "bench/step_passes.h"

#include <algorithm>
#include <chrono>

#include "bench/stats.h"
#include "core/graph/step_graph.h"
#include "core/ops/loss.h"
#include "kernels/runtime/memory.h"

namespace temper::bench {

namespace {

/// Seconds of `work`, the median of runs after two that are not counted.
double seconds_of(Engine& engine, GraphUse use, const std::function<void()>& work) {
  using Clock = std::chrono::steady_clock;
  StepGraph graph(engine, use, make_graph_recorder(engine.device()));
  std::vector<double> all;
  double sum = 0;
  for (int i = 0; i < 2 || sum < 0.5 || all.size() < 5; ++i) {
    const Arena::Scope scope(engine.arena());
    const auto start = Clock::now();
    graph.run({.size = 1}, work);
    synchronize(engine.stream());
    if (i < 2) continue;
    all.push_back(std::chrono::duration<double>(Clock::now() - start).count());
    sum += all.back();
  }
  return median(all);
}

}  // namespace

Json passes_of_step(StepWork& step) {
  TrainingState& state = step.state();
  const DataShape& d = state.network->options().data;
  StepCounter counter(
      state.experiment,
      {.train = 2, .test = 2, .height = d.height, .width = d.width, .channels = d.channels, .classes = d.classes});
  const PassCount n = count_passes(counter.step(1), counter.passes());
  const Network& network = *state.network;
  const auto time = [&](Wrt wrt, const Pass& pass) {
    return seconds_of(state.engine, state.experiment.graph, [&] {
      const Batch batch = state.train.blank(0);
      state.train.fill(batch, int64_t{0}, uint32_t{1});
      Tape tape(state.engine, wrt);
      const Var logits = network(tape, tape.input(batch.images), pass);
      if (wrt == Wrt::nothing) return;
      const Var loss = cross_entropy(tape, logits, batch.labels);
      if (wrt == Wrt::input)
        tape.backward(loss);
      else
        tape.backward(loss, state.trained.front().gradient);
    });
  };
  const double forward = time(Wrt::nothing, Pass::eval());
  const double to_images = std::max(0.0, time(Wrt::input, Pass::eval()) - forward);
  const double to_weights = std::max(0.0, time(Wrt::params, {.update = BnUpdate::no}) - forward);
  return {{"forward", n.forward},
          {"to_images", n.to_images},
          {"to_weights", n.to_weights},
          {"seconds_of", {{"forward", forward}, {"to_images", to_images}, {"to_weights", to_weights}}},
          {"ideal_seconds", n.forward * forward + n.to_images * to_images + n.to_weights * to_weights}};
}

}  // namespace temper::bench
