// LBGAT by hand: two networks learn from the distance of their logits, with one optimiser.
#include "core/ops/loss.h"
#include "tests/fixtures/devices.h"
#include "tests/fixtures/tensors.h"
#include "tests/fixtures/training_fixture.h"

using namespace temper;

namespace {

struct Setup {
  Experiment experiment;
  TrainingState state;
  explicit Setup(const std::string& options, const std::vector<std::string>& set = {"precision.compute=f64"},
                 const std::string& natural = "{model: {name: test_net}}")
      : experiment(test::tiny("{name: lbgat, natural: " + natural +
                                  ", attack: {radius: 0.05, step: 0.02, "
                                  "steps: 2}, " +
                                  options + "}",
                              set)),
        state(experiment, read_splits(experiment)) {}

  MethodPart natural() { return experiment.trainer.method->parts().at(0); }
  double loss() {
    const Arena::Scope scope(state.engine.arena());
    const Batch batch = state.train.load(1, 0);
    TrainContext context = state.context();
    return experiment.trainer.method->gradients(context, batch, state.gradients());
  }
  std::vector<std::vector<double>> gradient(size_t of) { return test::arrays_of(state.trained.at(of).gradient); }
};

double largest(const std::vector<std::vector<double>>& arrays) {
  double most = 0;
  for (const auto& array : arrays)
    for (const double v : array) most = std::max(most, std::abs(v));
  return most;
}

}  // namespace

TEST_CASE("lbgat: the distance of the logits has a gradient into both networks", "[trainers][lbgat]") {
  Setup s("beta: 0");
  // The natural network's cross entropy alone, on the same weights.
  Network natural(s.state.engine, *s.experiment.model.architecture, s.state.network->options());
  natural.copy_weights(natural.weights(), *s.natural().weights);
  ParamBuffer alone(natural.params(), DType::f64, s.state.engine.stream());
  {
    const Arena::Scope scope(s.state.engine.arena());
    Tape tape(s.state.engine, Wrt::params);
    const Batch batch = s.state.train.load(1, 0);
    const Var logits = natural(tape, tape.input(batch.images), Pass::train());
    tape.backward(cross_entropy(tape, logits, batch.labels), alone);
  }
  s.loss();
  CHECK(largest(s.gradient(0)) > 1e-3);  // there is no other loss of the robust network
  const auto both = s.gradient(1), of_labels = test::arrays_of(alone);
  double apart = 0;
  for (size_t i = 0; i < both.size(); ++i)
    for (size_t e = 0; e < both[i].size(); ++e) apart = std::max(apart, std::abs(both[i][e] - of_labels[i][e]));
  CHECK(apart > 1e-3);
}

TEST_CASE("lbgat: with beta 0 the clean images pass the robust network only where told", "[trainers][lbgat]") {
  Setup needed("beta: 0"), always("beta: 0, clean_pass: always"), six("beta: 6"),
      six_always("beta: 6, clean_pass: always");
  CHECK(needed.loss() == always.loss());
  CHECK(needed.gradient(0) == always.gradient(0));
  const auto statistics = [](Setup& s) { return test::arrays_of(s.state.network->weights().buffers); };
  CHECK(statistics(needed) != statistics(always));
  CHECK(six.loss() == six_always.loss());
  CHECK(statistics(six) == statistics(always));
  CHECK(statistics(six) == statistics(six_always));
}

TEMPER_DEVICE_TEST("lbgat: one optimiser moves both networks, with batch statistics of both", "[trainers][lbgat]") {
  Setup s("beta: 6", test::on(device));
  const auto weights = test::arrays_of(s.natural().weights->params),
             statistics = test::arrays_of(s.natural().weights->buffers);
  REQUIRE(s.state.trained.size() == 2);
  CHECK(weights != test::arrays_of(s.state.network->weights().params));  // from numbers of its own
  train_step(s.state, "none");
  CHECK(test::arrays_of(s.natural().weights->params) != weights);
  CHECK(test::arrays_of(s.natural().weights->buffers) != statistics);
}

TEST_CASE("lbgat: what is wrong with the natural network is said by its name", "[trainers][lbgat][errors]") {
  CHECK_THROWS_WITH(Setup("beta: 0", {}, "{weights: none.npz}"),
                    ContainsSubstring("trainer.natural.weights: expected a safetensors or npz file, got 'none.npz'"));
}
