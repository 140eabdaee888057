#include <algorithm>
#include <map>

#include "core/host.h"
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
  Setup(Device device, const std::string& clip)
      : experiment(
            test::tiny("{name: free_at, radius: 0.1, step: 0.06, replays: 2, clip: " + clip + "}", test::on(device))),
        state(experiment, read_splits(experiment)) {}

  Engine& engine() { return state.engine; }
  /// The gradient of a step, after which the weights stay where they are and the perturbation has moved.
  std::vector<double> step(const Batch& batch) {
    TrainContext context = state.context();
    experiment.trainer.method->gradients(context, batch, state.gradients());
    experiment.trainer.method->after_step(context, batch);
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

/// Notes what its steps are shown.
struct TestReplays : Trainer {
  static constexpr int64_t kReplays = 4;
  static std::vector<std::vector<double>> shown;
  int64_t replays() const override { return kReplays; }
  Var loss(Tape& tape, const Batch& batch, const TrainContext& c) override {
    shown.push_back(numbers_of(c.engine, batch.images));
    for (const int32_t id : host_indices(c.engine, batch.ids)) shown.back().push_back(id);
    return cross_entropy(tape, c.model(tape, tape.input(batch.images), Pass::train()), batch.labels);
  }
};
std::vector<std::vector<double>> TestReplays::shown;
TEMPER_REGISTER(Trainer, TestReplays, "test_replays", "for a test");

}  // namespace

TEMPER_DEVICE_TEST("free_at: one backward pass moves weights and perturbation, which goes on to the next batch",
                   "[trainers]") {
  for (const std::string clip : {"input", "perturbation"}) {
    INFO(clip);
    Setup s(device, clip);
    const Arena::Scope scope(s.engine().arena());
    const Batch first = s.state.train.load(1, 0), second = s.state.train.load(1, 1);
    std::vector<double> d(numbers_of(s.engine(), first.images).size());
    const Batch* const shown[] = {&first, &first, &second, &first};
    for (const Batch* const batch : shown) {
      const std::vector<double> clean = numbers_of(s.engine(), batch->images);
      std::vector<double> x = clean;
      for (size_t i = 0; i < x.size(); ++i)
        x[i] = clip == "input" ? std::clamp(clean[i] + d[i], 0.0, 1.0) : clean[i] + d[i];
      const auto [of_weights, of_images] =
          s.separate(test::tensor_of(s.engine(), batch->images.shape, x), batch->labels);
      CHECK(largest_difference(s.step(*batch), of_weights) < 1e-5);
      for (size_t p = 0; p < d.size(); ++p) {
        const bool cut = clip == "input" && (clean[p] + d[p] < 0 || clean[p] + d[p] > 1);
        d[p] = std::clamp(d[p] + (cut ? 0 : 0.06 * sign(of_images[p])), -0.1, 0.1);
        if (clip == "perturbation") d[p] = std::clamp(d[p], -clean[p], 1 - clean[p]);
      }
    }
  }
}

TEST_CASE("replays: a batch is shown several times in a row, across epochs too, and all images equally often") {
  // Epochs of 6 steps; a batch is shown 4 times, so the second one of an epoch is shown in the next one, too.
  TestReplays::shown.clear();
  Experiment e = test::tiny("{name: test_replays}", {"augment.crop_pad=1", "augment.flip=random", "loop.epochs=8"});
  test::first_steps(e, 8 * 6);
  const auto& shown = TestReplays::shown;
  REQUIRE(shown.size() == 48);
  std::map<double, int> times;
  for (size_t i = 0; i < shown.size(); ++i) {
    CHECK(shown[i] == shown[i - i % 4]);
    if (i >= 4) CHECK(shown[i] != shown[i - i % 4 - 4]);
    for (size_t k = shown[i].size() - 8; k < shown[i].size(); ++k) ++times[shown[i][k]];
  }
  CHECK(times.size() == 48);
  for (const auto& [id, count] : times) CHECK(count == 8);
}

TEST_CASE("free_at: settings with which most images are never seen give a warning") {
  const Experiment e = test::tiny("{name: free_at, replays: 4}");
  REQUIRE(!e.warnings.empty());
  CHECK_THAT(e.warnings.back(), ContainsSubstring("trainer.replays: 4 is more than loop.epochs, 3"));
}

TEMPER_DEVICE_TEST("free_at: training moves the weights at every replay", "[trainers]") {
  Experiment e = test::tiny("{name: free_at, radius: 0.1, step: 0.1, replays: 3}", test::on(device));
  const test::Trace trace = test::first_steps(e, 6);
  for (size_t i = 1; i < 6; ++i) CHECK(trace.losses[i] != trace.losses[i - 1]);
}
