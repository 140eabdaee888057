// ACT by hand: which loss reaches which network, how answers are softened, what the attack climbs.
#include <algorithm>
#include <cmath>
#include <map>

#include "core/ops/loss.h"
#include "tests/fixtures/devices.h"
#include "tests/fixtures/tensors.h"
#include "tests/fixtures/training_fixture.h"

using namespace temper;

namespace {

using Arrays = std::vector<std::vector<double>>;

/// On a CPU in f64.
struct Setup {
  Experiment experiment;
  TrainingState state;
  explicit Setup(const std::string& options = "", const std::vector<std::string>& set = {"precision.compute=f64"},
                 const std::string& natural = "{model: {name: test_net}}")
      : experiment(test::tiny(
            "{name: act, attack: {radius: 0.05, step: 0.02, steps: 2}, " + options + "natural: " + natural + "}", set)),
        state(experiment, read_splits(experiment)) {}

  MethodPart natural() { return experiment.trainer.method->parts().at(0); }
  double loss() {
    const Arena::Scope scope(state.engine.arena());
    const Batch batch = state.train.load(1, 0);
    TrainContext context = state.context();
    return experiment.trainer.method->gradients(context, batch, state.gradients());
  }
  /// Of the robust (0) and of the natural network (1), after loss().
  Arrays gradient(size_t of) { return test::arrays_of(state.trained.at(of).gradient); }
  /// The gradient of the natural network's cross entropy on the first batch.
  Arrays gradient_of_labels() {
    Network alone(state.engine, *experiment.model.architecture, state.network->options());
    alone.copy_weights(alone.weights(), *natural().weights);
    ParamBuffer gradient(alone.params(), DType::f64, state.engine.stream());
    const Arena::Scope scope(state.engine.arena());
    Tape tape(state.engine, Wrt::params);
    const Batch batch = state.train.load(1, 0);
    const Var logits = alone(tape, tape.input(batch.images), Pass::train());
    tape.backward(cross_entropy(tape, logits, batch.labels), gradient);
    return test::arrays_of(gradient);
  }
};

double apart(const Arrays& a, const Arrays& b) {
  double most = 0;
  for (size_t i = 0; i < a.size(); ++i) most = std::max(most, test::largest_difference(a[i], b[i]));
  return most;
}

double largest(const Arrays& a) {
  double most = 0;
  for (const auto& array : a)
    for (const double v : array) most = std::max(most, std::abs(v));
  return most;
}

}  // namespace

TEST_CASE("act: no loss reaches the other network", "[trainers][act]") {
  // The robust network's answers count for nothing in the natural one, whose answers the robust one learns from: were
  // these not constants, they would move it.
  Setup learns("natural_alpha: 0, robust_alpha: 1, ");
  learns.loss();
  CHECK(apart(learns.gradient(1), learns.gradient_of_labels()) < 1e-12);
  CHECK(largest(learns.gradient(0)) > 1e-4);
  // The other way round, the gradient of the robust network is that of its own labels, whatever the natural one does.
  Setup taught("natural_alpha: 1, robust_alpha: 0, "), alone("natural_alpha: 0, robust_alpha: 0, ");
  taught.loss(), alone.loss();
  CHECK(taught.gradient(0) == alone.gradient(0));
  CHECK(apart(taught.gradient(1), alone.gradient(1)) > 1e-3);
}

TEST_CASE("act: temperature softens the answers, and its square keeps the size of their gradient", "[trainers][act]") {
  Setup ten("natural_alpha: 1, robust_alpha: 0, temperature: 100, "),
      more("natural_alpha: 1, robust_alpha: 0, temperature: 200, "),
      one("natural_alpha: 1, robust_alpha: 0, temperature: 1, ");
  ten.loss(), more.loss(), one.loss();
  const Arrays at_100 = ten.gradient(1);
  CHECK(apart(at_100, more.gradient(1)) < 0.02 * largest(at_100));  // without the square: a quarter
  CHECK(apart(at_100, one.gradient(1)) > 0.05 * largest(at_100));
}

TEST_CASE("act: in the attack the cross entropy counts as told", "[trainers][act]") {
  // With robust_alpha 0 the objective is the cross entropy however it is reduced; with 0.5 its share decides.
  Setup mean("robust_alpha: 0, "), sum("robust_alpha: 0, attack_cross_entropy: sum, ");
  CHECK(mean.loss() == sum.loss());
  Setup half_mean("robust_alpha: 0.5, "), half_sum("robust_alpha: 0.5, attack_cross_entropy: sum, ");
  CHECK(half_mean.loss() != half_sum.loss());
}

TEMPER_DEVICE_TEST("act: both networks move, each with momentum and statistics of its own", "[trainers][act]") {
  Setup s("", test::on(device));
  REQUIRE(s.state.trained.size() == 2);
  const Arrays weights = test::arrays_of(s.natural().weights->params),
               statistics = test::arrays_of(s.natural().weights->buffers);
  CHECK(weights != test::arrays_of(s.state.network->weights().params));  // from numbers of its own
  const StepNumbers step = train_step(s.state, "none");
  CHECK(test::arrays_of(s.natural().weights->params) != weights);
  CHECK(test::arrays_of(s.natural().weights->buffers) != statistics);
  const auto momentum = [&](size_t of) { return test::arrays_of(s.state.trained.at(of).optimizer.state("momentum")); };
  CHECK(momentum(0) != momentum(1));
  CHECK(largest(momentum(1)) > 0);
  std::map<std::string, double> terms;
  for (const auto& [name, value] : step.logged) terms[name] = value;
  CHECK(step.loss == Approx(0.1 * (terms.at("robust_loss") + terms.at("natural_loss")) +
                            0.9 * (terms.at("robust_distillation") + terms.at("natural_distillation")))
                         .epsilon(1e-4));
}

TEST_CASE("act: what is wrong with its keys is said by their names", "[trainers][act][errors]") {
  CHECK_THROWS_WITH(Setup("", {}, "{weights: none.npz}"),
                    ContainsSubstring("trainer.natural.weights: expected a safetensors or npz file, got 'none.npz'"));
  CHECK_THROWS_WITH(Setup("robust_alpha: 1.5, "), ContainsSubstring("trainer.robust_alpha: expected 0 to 1, got 1.5"));
}
