// Adversarial weight perturbation: what moves, by how much, and that it is all taken back.
#include "trainers/optimizers/weight_perturbation.h"

#include <cmath>

#include "core/ops/elementwise.h"
#include "core/ops/loss.h"
#include "tests/fixtures/method_in_f64.h"
#include "tests/fixtures/training_fixture.h"

using namespace temper;
using test::MethodInF64;
using test::numbers_of;

namespace {

using Restore = AwpOptions::Restore;

double norm(const std::vector<double>& v) {
  double sum = 0;
  for (const double x : v) sum += x * x;
  return std::sqrt(sum);
}

/// PGD-AT with running statistics in the attack, whose step is perturbed by a quarter of each tensor's norm.
struct Perturbed : MethodInF64 {
  static constexpr double kGamma = 0.25;
  std::unique_ptr<Trainer> method =
      test::make_trainer("{name: pgd_at, attack_bn: eval, attack: {radius: 0.1, step: 0.05, steps: 2}}");
  TrainContext context{.engine = engine, .model = *net, .epoch = 1};
  WeightPerturbation awp;
  explicit Perturbed(Restore restore) : awp(engine, *net, {.gamma = kGamma, .restore = restore}, {}) {
    method->begin(context);
  }
  double write_gradients() {
    const Tensor loss = engine.arena().tensor({1}, DType::f64);
    const GradientBuffer into[] = {{params(), gradient}};
    awp.write_gradients(*method, context, batch, into, loss);
    return numbers_of(engine, loss)[0];
  }
  /// The loss of images at the network's weights, and its gradient.
  double gradient_of(const Tensor& x, ParamBuffer& into) {
    Tape tape(engine, Wrt::params);
    const Var loss = cross_entropy(tape, (*net)(tape, tape.input(x), {.update = BnUpdate::no}), batch.labels);
    tape.backward(loss, into);
    return numbers_of(engine, loss.value)[0];
  }
};

}  // namespace

TEST_CASE("awp: filters and matrices move by gamma of their norm along the gradient, nothing else moves", "[awp]") {
  Perturbed p(Restore::after_step);
  const Tensor x_adv = p.attacked({.radius = 0.1, .step = 0.05, .steps = 2}, Pass::eval());
  ParamBuffer ascent(p.net->params(), DType::f64, p.engine.stream());
  p.gradient_of(x_adv, ascent);
  const auto before = test::arrays_of(p.params());
  const double loss = p.write_gradients();
  int perturbed = 0;
  for (int i = 0; i < p.net->params().count(); ++i) {
    const std::vector<double> now = p.params().read(i), g = ascent.read(i);
    if (p.net->params()[i].shape.rank() < 2) {
      CHECK(now == before[i]);
      continue;
    }
    std::vector<double> v(now.size());
    double along = 0;
    for (size_t e = 0; e < v.size(); ++e) v[e] = now[e] - before[i][e], along += v[e] * g[e];
    CHECK(norm(v) == Approx(Perturbed::kGamma * norm(before[i])).epsilon(1e-12));
    CHECK(along == Approx(norm(v) * norm(g)).epsilon(1e-12));
    ++perturbed;
  }
  CHECK(perturbed == 3);  // two convolutions and the linear layer
  ParamBuffer there(p.net->params(), DType::f64, p.engine.stream());
  CHECK(p.gradient_of(x_adv, there) == loss);
  CHECK(numbers_of(p.engine, p.gradient.all()) == numbers_of(p.engine, there.all()));
}

TEST_CASE("awp: without a step the weights come back to the bit", "[awp]") {
  for (const Restore restore : {Restore::after_step, Restore::before_step}) {
    Perturbed p(restore);
    const auto before = test::arrays_of(p.params());
    p.write_gradients();
    CHECK((test::arrays_of(p.params()) == before) == !p.awp.restores_after_step());
    if (p.awp.restores_after_step()) p.awp.restore(p.engine);
    CHECK(test::arrays_of(p.params()) == before);
  }
}

TEST_CASE("awp: a step on the moved weights is what remains", "[awp]") {
  Perturbed p(Restore::after_step);
  const std::vector<double> before = p.params().read(0);
  p.write_gradients();
  std::vector<double> moved = p.params().read(0);
  for (double& w : moved) w += 0.5;
  p.params().write(0, moved);
  p.awp.restore(p.engine);
  const std::vector<double> after = p.params().read(0);
  for (size_t e = 0; e < after.size(); ++e) CHECK(after[e] == Approx(before[e] + 0.5).epsilon(1e-14));
}

TEST_CASE("awp: one attack a step; statistics move in it and in the passes at the moved weights", "[awp]") {
  // Its clean images pass the network before its attack begins.
  struct CleanFirst : Trainer {
    Pgd attack{{.radius = 0, .step = 0, .steps = 1}};
    std::vector<const Attack*> attacks() const override { return {&attack}; }
    Var loss(Tape& tape, const Batch& batch, const TrainContext& c) override {
      const Var clean = c.model(tape, tape.input(batch.images), Pass::train());
      const Tensor x = c.once("attack", [&] {
        return attack.run({c.engine, batch, {c.model, Pass::eval()}, c.random("attack")}).images;
      });
      return add(tape, cross_entropy(tape, clean, batch.labels),
                 cross_entropy(tape, c.model(tape, tape.input(x), Pass::train()), batch.labels));
    }
  };
  // A perturbation that is next to nothing: the statistics of a step without one, if nothing is counted twice.
  const auto step = [](const std::string& trainer, const std::string& gamma) {
    Experiment e = test::tiny(trainer, {"precision.compute=f64", "awp.gamma=" + gamma, "model.branches=[adv, clean]"});
    if (trainer == "{name: standard}") e.trainer.method = std::make_unique<CleanFirst>();
    TrainingState state(e, read_splits(e));
    TrainContext context = state.context();
    e.trainer.method->before_epoch(context);
    CHECK(train_step(state, "none").attacked == 8);
    std::vector<std::vector<double>> all = test::arrays_of(state.network->weights().buffers);
    for (const MethodPart& part : e.trainer.method->parts())
      for (const auto& array : test::arrays_of(part.weights->buffers)) all.push_back(array);
    return all;
  };
  const std::string attack = ", attack: {radius: 0.05, step: 0.02, steps: 2}}";
  for (const std::string& trainer :
       {"{name: pgd_at, attack_bn: train" + attack, "{name: trades, attack_bn: train" + attack,
        "{name: cure, revision: {rate: 1, keep: 0.5}" + attack, "{name: arat" + attack,
        std::string("{name: standard}")}) {
    INFO(trainer);
    const auto with = step(trainer, "1e-12"), without = step(trainer, "0");
    REQUIRE(with.size() == without.size());
    for (size_t i = 0; i < with.size(); ++i)
      for (size_t e = 0; e < with[i].size(); ++e) CHECK(with[i][e] == Approx(without[i][e]).margin(1e-9));
  }
}

TEST_CASE("awp: epochs before awp.start have the bits of a run without it", "[awp]") {
  const auto run = [](int64_t steps, std::vector<std::string> set) {
    Experiment e = test::tiny(test::kPgdAt, set);
    return test::first_steps(e, steps).numbers;
  };
  const std::vector<std::string> late = {"awp.gamma=0.01", "awp.start=2", "ema.decay=0.9"}, none = {"ema.decay=0.9"};
  CHECK(run(6, late) == run(6, none));
  CHECK(run(7, late) != run(7, none));
}

TEST_CASE("awp: after_step decays the moved weights, before_step the weights", "[awp]") {
  // The first step of SGD without momentum: w - lr (g + decay (w + v)) or w - lr (g + decay w).
  const auto after = [](const std::string& restore, const std::string& decay) {
    Experiment e = test::tiny(test::kPgdAt, {"precision.compute=f64", "awp={gamma: 0.25, restore: " + restore + "}",
                                             "optimizer={lr: 0.05, momentum: 0, weight_decay: " + decay + "}"});
    TrainingState state(e, read_splits(e));
    train_step(state, "none");
    return state.network->weights().params.read(0);
  };
  const std::vector<double> moved = after("after_step", "0.5"), own = after("before_step", "0.5"),
                            neither = after("after_step", "0"), start = [] {
                              Experiment e = test::tiny(test::kPgdAt, {"precision.compute=f64"});
                              return TrainingState(e, read_splits(e)).network->weights().params.read(0);
                            }();
  std::vector<double> v(start.size());
  for (size_t e = 0; e < v.size(); ++e) {
    CHECK(own[e] == Approx(neither[e] - 0.05 * 0.5 * start[e]).margin(1e-12));
    v[e] = (own[e] - moved[e]) / (0.05 * 0.5);
  }
  CHECK(norm(v) == Approx(0.25 * norm(start)).epsilon(1e-9));
}

TEST_CASE("awp: averages are of the weights, not of the moved ones", "[awp]") {
  Experiment e =
      test::tiny(test::kPgdAt, {"precision.compute=f64", "awp.gamma=0.25", "ema.decay=0.75", "ema.warm_up=false"});
  TrainingState state(e, read_splits(e));
  const auto before = test::arrays_of(state.network->weights().params);
  train_step(state, "none");
  const auto after = test::arrays_of(state.network->weights().params),
             average = test::arrays_of(state.ema->weights().params);
  for (size_t i = 0; i < after.size(); ++i)
    for (size_t k = 0; k < after[i].size(); ++k)
      CHECK(average[i][k] == Approx(0.75 * before[i][k] + 0.25 * after[i][k]).margin(1e-12));
}

TEST_CASE("awp: the loss at the weights is logged beside the method's terms", "[awp]") {
  Experiment e = test::tiny(test::kPgdAt, {"awp.gamma=0.01"});
  TrainingState state(e, read_splits(e));
  const StepNumbers step = train_step(state, "none");
  REQUIRE(step.logged.size() == 2);
  CHECK(step.logged[0].first == "adversarial_loss");
  CHECK(step.logged[1].first == "unperturbed_loss");
  CHECK(step.logged[1].second < step.loss);
}

TEST_CASE("awp: frozen weights are not perturbed", "[awp]") {
  Experiment e = test::tiny(test::kPgdAt, {"awp.gamma=0.25", "model.freeze=[\"conv1.*\"]"});
  TrainingState state(e, read_splits(e));
  const std::vector<double> before = state.network->weights().params.read(0);
  REQUIRE(state.network->params()[0].frozen);
  train_step(state, "none");
  CHECK(state.network->weights().params.read(0) == before);
}

TEST_CASE("awp: a method that would attack twice, and a start that never comes, are named", "[awp][errors]") {
  struct AttacksTwice : Trainer {
    Pgd attack;
    std::vector<const Attack*> attacks() const override { return {&attack}; }
    Var loss(Tape& tape, const Batch& batch, const TrainContext& c) override {
      const Tensor x = attack.run({c.engine, batch, {c.model, Pass::eval()}, c.random("mine")}).images;
      return cross_entropy(tape, c.model(tape, tape.input(x), Pass::train()), batch.labels);
    }
  };
  Experiment e = test::tiny("{name: standard}", {"awp.gamma=0.01"});
  e.trainer.method = std::make_unique<AttacksTwice>();
  CHECK_THROWS_WITH(test::first_steps(e, 1),
                    "awp: expected the method to make its adversarial images in context.once(), because the loss is "
                    "evaluated again at perturbed weights, on the same images, but it drew 'mine' and kept nothing; "
                    "wrap the attack, as trainers/methods/pgd_at.cpp does, or set awp.gamma: 0");
  const auto warnings = [](const std::vector<std::string>& set) { return test::tiny(test::kPgdAt, set).warnings; };
  CHECK(warnings({"awp.gamma=0.01", "awp.start=3"}).empty());
  const std::vector<std::string> late = warnings({"awp.gamma=0.01", "awp.start=4"});
  REQUIRE(late.size() == 1);
  CHECK_THAT(late[0], ContainsSubstring("awp.start: epoch 4 never comes, because loop.epochs is 3: no weights are "
                                        "perturbed"));
}
