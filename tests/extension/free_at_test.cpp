#include <algorithm>

#include "core/ops/loss.h"
#include "tests/fixtures/devices.h"
#include "tests/fixtures/tensors.h"
#include "tests/fixtures/training_fixture.h"

using namespace temper;
using test::largest_difference;
using test::numbers_of;

namespace {

struct Setup {
  Experiment experiment;
  TrainingState state;
  explicit Setup(Device device)
      : experiment(test::tiny("{name: free_at, radius: 0.1, step: 0.06, replays: 2}", test::on(device))),
        state(experiment, read_splits(experiment)) {}

  Engine& engine() { return state.engine; }
  /// The gradient of a step, after which the weights stay where they are.
  std::vector<double> step(int64_t number, const Batch& batch) {
    TrainContext context = state.context();
    context.step = number;
    experiment.trainer.method->gradients(context, batch, state.gradients());
    return numbers_of(engine(), state.trained[0].gradient.all());
  }
  /// The gradients of the weights and of the images, from a tape each.
  std::pair<std::vector<double>, std::vector<double>> separate(const Tensor& images, const Tensor& labels) {
    const Network& net = *state.network;
    ParamBuffer into(net.params(), DType::f32, engine().stream());
    Tape weights(engine(), Wrt::params), input(engine(), Wrt::input);
    const Pass pass{.update = BnUpdate::no};
    weights.backward(cross_entropy(weights, net(weights, weights.input(images), pass), labels), into);
    const Var x = input.input(images);
    input.backward(cross_entropy(input, net(input, x, pass), labels));
    return {numbers_of(engine(), into.all()), numbers_of(engine(), input.grad(x))};
  }
};

double sign(double v) { return v > 0 ? 1 : v < 0 ? -1 : 0; }

}  // namespace

TEMPER_DEVICE_TEST("free_at: a batch is replayed, each time moved by the gradient that moved the weights",
                   "[extension][trainers]") {
  Setup s(device);
  const Arena::Scope scope(s.engine().arena());
  const Batch first = s.state.train.load(1, 0), second = s.state.train.load(1, 1);
  const std::vector<double> clean = numbers_of(s.engine(), first.images);
  std::vector<double> perturbation(clean.size());
  const auto perturbed = [&](const Batch& batch) {
    std::vector<double> x = numbers_of(s.engine(), batch.images);
    for (size_t i = 0; i < x.size(); ++i) x[i] = std::clamp(x[i] + perturbation[i], 0.0, 1.0);
    return test::tensor_of(s.engine(), batch.images.shape, x);
  };
  // What is shown: the first batch, the same again whatever the loader gives, then the next with what was found so far.
  const Batch* const given[] = {&first, &second, &second};
  const Batch* const shown[] = {&first, &first, &second};
  for (int i = 0; i < 3; ++i) {
    const Tensor x = perturbed(*shown[i]);
    const auto [of_weights, of_images] = s.separate(x, shown[i]->labels);
    CHECK(largest_difference(s.step(i, *given[i]), of_weights) < 1e-6);
    std::vector<double> moved = numbers_of(s.engine(), x);
    for (size_t p = 0; p < moved.size(); ++p) {
      const double v = std::clamp(moved[p] + 0.06 * sign(of_images[p]), clean[p] - 0.1, clean[p] + 0.1);
      perturbation[p] = std::clamp(v, 0.0, 1.0) - clean[p];
    }
    const double most = std::abs(*std::max_element(perturbation.begin(), perturbation.end()));
    if (i < 2) CHECK(most == Approx(i == 0 ? 0.06 : 0.1).margin(1e-6));
  }
}

TEMPER_DEVICE_TEST("free_at: training moves the weights at every replay", "[extension][trainers]") {
  Experiment e = test::tiny("{name: free_at, radius: 0.1, step: 0.1, replays: 3}", test::on(device));
  const test::Trace trace = test::first_steps(e, 6);
  for (size_t i = 1; i < 6; ++i) CHECK(trace.losses[i] != trace.losses[i - 1]);
}
