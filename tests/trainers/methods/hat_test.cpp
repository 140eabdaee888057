// HAT: whose labels its helper images have, where they lie, and what its helper may be.
#include "attacks/attack_observer.h"
#include "core/host.h"
#include "core/ops/loss.h"
#include "nn/weights.h"
#include "tests/fixtures/devices.h"
#include "tests/fixtures/networks.h"
#include "tests/fixtures/training_fixture.h"

using namespace temper;

namespace {

const std::string kAttack = "attack: {radius: 0.05, step: 0.02, steps: 2}";

std::string hat(const std::string& more, const std::string& weights = "untrained") {
  return "{name: hat, " + kAttack + ", helper: {model: {name: test_net}, weights: " + weights + "}" + more + "}";
}

struct Setup {
  Experiment experiment;
  TrainingState state;
  explicit Setup(Device device, const std::string& trainer)
      : experiment(test::tiny(trainer, test::on(device))), state(experiment, read_splits(experiment)) {}

  double loss_of_first_batch() {
    const Arena::Scope scope(state.engine.arena());
    const Batch batch = state.train.load(1, 0);
    TrainContext context = state.context();
    context.epoch = 1;
    return experiment.trainer.method->gradients(context, batch, state.gradients());
  }
  std::vector<std::vector<double>> gradient() const { return test::arrays_of(state.trained[0].gradient); }
  Weights& helper() { return *experiment.trainer.method->parts().at(0).weights; }
};

}  // namespace

TEST_CASE("hat: without helper images it is TRADES at the same radius, bit for bit", "[hat]") {
  Setup hat_without(Device::cpu, hat(", gamma: 0, beta: 6")),
      trades(Device::cpu, "{name: trades, beta: 6, " + kAttack + "}");
  CHECK(hat_without.loss_of_first_batch() == trades.loss_of_first_batch());
  CHECK(hat_without.gradient() == trades.gradient());
}

TEST_CASE("hat: the helper classifies adversarial images, and those beyond them take its classes", "[hat]") {
  struct Found : AttackObserver {
    std::vector<double> images;
    void on_found(Engine& engine, const Tensor& x) override { images = test::numbers_of(engine, x); }
  } found;
  const std::string far =
      "trainer.attack={radius: 1, step: 0.5, steps: 3}";  // so far that the helper sees a difference
  Experiment experiment = test::tiny(hat(", beta: 0, gamma: 1, reach: 3"), {"precision.compute=f64", far});
  TrainingState state(experiment, read_splits(experiment), nullptr, &found);
  // Network and helper are one that has learnt, so that the attack on the one misleads the other.
  Experiment natural = test::tiny("{name: standard}", {"precision.compute=f64"});
  TrainingState learnt(natural, read_splits(natural));
  while (learnt.progress.step < learnt.steps_per_epoch()) train_step(learnt, "none");
  for (Weights* into : {&state.network->weights(), experiment.trainer.method->parts().at(0).weights})
    state.network->copy_weights(*into, learnt.network->weights());
  Engine& engine = state.engine;
  const Arena::Scope scope(engine.arena());
  const Batch batch = state.train.load(1, 0);
  TrainContext context = state.context();
  const double loss = experiment.trainer.method->gradients(context, batch, state.gradients());

  const std::vector<double> x = test::numbers_of(engine, batch.images);
  REQUIRE(found.images.size() == x.size());
  std::vector<double> beyond(x.size());
  for (size_t i = 0; i < x.size(); ++i) beyond[i] = x[i] + 3 * (found.images[i] - x[i]);
  const Tensor x_adv = test::tensor_of(engine, batch.images.shape, found.images),
               x_beyond = test::tensor_of(engine, batch.images.shape, beyond);
  Pass by_helper = Pass::eval();
  by_helper.weights = experiment.trainer.method->parts().at(0).weights;
  const std::vector<int32_t> classes = predictions(engine, state.network->predict(engine, x_adv, by_helper));
  CHECK(classes != host_indices(engine, batch.labels));
  CHECK(classes != predictions(engine, state.network->predict(engine, batch.images, by_helper)));
  Tape tape(engine, Wrt::nothing);
  const auto loss_of = [&](const Tensor& images, const Tensor& labels) {
    const Tensor logits = state.network->predict(engine, images, {.update = BnUpdate::no});
    return test::numbers_of(engine, cross_entropy(tape, {logits}, labels).value)[0];
  };
  const double want = loss_of(batch.images, batch.labels) + loss_of(x_beyond, test::labels_of(engine, classes));
  CHECK(loss == Approx(want).epsilon(1e-10));
}

TEMPER_DEVICE_TEST("hat: labels are smoothed for clean images alone, and the helper never changes", "[trainers][hat]") {
  // 3 classes: with smoothing s the clean loss is (1 - s) CE(y) + s/3 sum CE(k); the others stay as they are.
  Setup none(device, hat("")), smoothed(device, hat(", label_smoothing: 0.3"));
  const auto helper = test::arrays_of(none.helper().params), statistics = test::arrays_of(none.helper().buffers);
  const auto terms = [](Setup& s) { return train_step(s.state, "none").logged; };
  const Metrics a = terms(none), b = terms(smoothed);
  REQUIRE(a.size() == 3);
  CHECK(a[0].first == "clean_loss");
  CHECK(a[0].second != b[0].second);
  CHECK(a[1].second == b[1].second);
  CHECK(a[2].first == "helper_loss");
  CHECK(a[2].second == b[2].second);
  train_step(none.state, "none");
  CHECK(test::arrays_of(none.helper().params) == helper);
  CHECK(test::arrays_of(none.helper().buffers) == statistics);
}

TEST_CASE("hat: three forward passes move the statistics", "[hat]") {
  // With radius 0 all three see the clean images.
  const std::string still =
      "{name: hat, attack: {radius: 0, step: 0, steps: 1}, helper: {model: {name: test_net}, "
      "weights: untrained}}";
  Setup s(Device::cpu, still), by_hand(Device::cpu, "{name: standard}");
  s.loss_of_first_batch();
  for (int i = 0; i < 3; ++i) {
    const Arena::Scope scope(by_hand.state.engine.arena());
    by_hand.state.network->predict(by_hand.state.engine, by_hand.state.train.load(1, 0).images, Pass::train());
  }
  const auto got = test::arrays_of(s.state.network->weights().buffers),
             want = test::arrays_of(by_hand.state.network->weights().buffers);
  for (size_t i = 0; i < got.size(); ++i)
    for (size_t e = 0; e < got[i].size(); ++e) CHECK(got[i][e] == Approx(want[i][e]).margin(1e-6));
}

TEST_CASE("hat: a helper without weights, of other classes, or missing is named", "[hat][errors]") {
  const auto begin = [](const std::string& weights) {
    Experiment e = test::tiny(hat("", weights));
    const TrainingState state(e, read_splits(e));
  };
  CHECK_THROWS_WITH(begin("''"), ContainsSubstring("helper.weights: expected a file of weights"));
  CHECK_THROWS_WITH(begin("/no/such/file.npz"), ContainsSubstring("trainer.helper.weights: expected a safetensors or "
                                                                  "npz file, got '/no/such/file.npz', which does not "
                                                                  "exist"));
  const test::TemporaryFolder folder;
  const std::string file = folder.file("helper.safetensors");
  Engine engine({.threads = 1});
  save_weights(
      *test::network(engine, "{name: test_net}", {.data = {.height = 8, .width = 8, .channels = 1, .classes = 5}}),
      file);
  CHECK_THROWS_WITH(begin(file), ContainsSubstring("expected a network with 3 outputs, one for each class, got one "
                                                   "with 5"));
  CHECK_THROWS_WITH(test::tiny(hat(", reach: 1")), ContainsSubstring("reach: expected"));
}
