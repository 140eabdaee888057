// ST-AT: which point each sample takes, where gradients go, what the attack leaves alone. The golden runs
// (golden_st_at_test) have the numbers.
#include <algorithm>
#include <cmath>
#include <map>

#include "core/ops/elementwise.h"
#include "tests/fixtures/devices.h"
#include "tests/fixtures/networks.h"
#include "tests/fixtures/training_fixture.h"
#include "trainers/methods/parts/squeeze.h"

using namespace temper;
using test::arrays_of;
using test::numbers_of;
using test::tensor_of;

namespace {

using Rows = std::vector<double>;

const std::string kAttack = "attack: {radius: 0.05, step: 0.02, steps: 3}";

/// The attack of the method on the first batch of a run.
struct Setup {
  Experiment experiment;
  TrainingState state;
  Squeeze squeeze;
  Arena::Scope scope;
  Batch batch;
  explicit Setup(Device device, AttackBn bn = AttackBn::train_no_update, int steps = 3)
      : experiment(test::tiny("{name: st_at, " + kAttack + "}", test::on(device))),
        state(experiment, read_splits(experiment)),
        scope(state.engine.arena()),
        batch(state.train.load(1, 0)) {
    squeeze.pgd = Pgd({.radius = 0.05, .step = 0.02, .steps = steps, .start = Pgd::Start::gauss001});
    squeeze.bn = bn;
  }
  Tensor points() {
    const TrainContext context = state.context();
    context.begin_step();
    return squeeze.points(context, batch);
  }
  /// The discrepancy at points, under batch statistics.
  double discrepancy(const Tensor& points) {
    Engine& engine = state.engine;
    Tape tape(engine, Wrt::nothing);
    const int64_t n = batch.size();
    const auto logits = [&](const Tensor& x) { return (*state.network)(tape, {x}, {.update = BnUpdate::no}); };
    const Extremes::Logits all{logits(batch.images), logits(points.rows(n, n)), logits(points.rows(0, n))};
    const Extremes extremes(engine, n, DType::f32);
    extremes.find(tape, all, batch.labels);
    double sum = 0;
    for (const double v : numbers_of(engine, squeeze.discrepancy(tape, extremes, all).value)) sum += v;
    return sum;
  }
};

/// Three candidates of three classes for five samples, all of class 0, as logits: only the first column differs.
const Rows kFirstLogits[] = {{0, 1, -1, 0, 2}, {1, -1, 2, 0, 2}, {-1, 0, 0, 0, 3}};

Extremes::Logits candidates(Tape& tape) {
  Extremes::Logits out;
  for (int k = 0; k < Extremes::kCandidates; ++k) {
    Rows z;
    for (const double v : kFirstLogits[k]) z.insert(z.end(), {v, 0.25, -0.5});
    out[k] = tape.input(tensor_of(tape.engine(), {5, 3}, z));
  }
  return out;
}

}  // namespace

TEMPER_DEVICE_TEST("st_at: each sample takes the candidates of lowest and highest probability, the first of equal ones",
                   "[trainers][st_at]") {
  Engine engine({.device = device, .arena_mb = 16});
  Tape tape(engine, Wrt::input);
  const Extremes::Logits logits = candidates(tape);
  const Extremes extremes(engine, 5, DType::f32);
  extremes.find(tape, logits, test::labels_of(engine, {0, 0, 0, 0, 0}));
  // By sample: natural, collaborative and adversarial in every place; all equal; two equal below a third.
  CHECK(numbers_of(engine, extremes.lowest()) == Rows{0, 0, 1, 1, 1, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0});
  CHECK(numbers_of(engine, extremes.highest()) == Rows{0, 1, 0, 1, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0, 1});
  const Rows low = numbers_of(engine, chosen(tape, extremes.lowest(), logits).value);
  for (size_t i = 0; i < 5; ++i) CHECK(low[3 * i] == Rows{-1, -1, -1, 0, 2}[i]);
  const Tensor moved = engine.arena().tensor({5, 2}, DType::f32);
  const Extremes::Rows from{tensor_of(engine, {5, 2}, Rows(10, 1)), tensor_of(engine, {5, 2}, Rows(10, 2)),
                            tensor_of(engine, {5, 2}, Rows(10, 3))};
  choose(engine.stream(), extremes.highest(), from, moved);
  CHECK(numbers_of(engine, moved) == Rows{2, 2, 1, 1, 2, 2, 1, 1, 3, 3});
}

TEMPER_DEVICE_TEST("st_at: a choice stands only while some sample takes a candidate, where that is wanted",
                   "[trainers][st_at]") {
  Engine engine({.device = device, .arena_mb = 16});
  Tape tape(engine, Wrt::input);
  const Extremes extremes(engine, 2, DType::f32);
  const auto find = [&](const Rows& clean) {
    const auto logits = [&](const Rows& z) { return Var{tensor_of(engine, {2, 2}, {z[0], 0, z[1], 0})}; };
    extremes.find(tape, {logits(clean), logits({-1, 1}), logits({1, -1})}, test::labels_of(engine, {0, 0}));
    extremes.unless_taken(tape, 0, 2, 1);
    return std::pair{numbers_of(engine, extremes.lowest()), numbers_of(engine, extremes.highest())};
  };
  // No sample takes the first: all take the last as the lowest, the second as the highest.
  CHECK(find({0, 0}) == std::pair(Rows{0, 0, 0, 0, 1, 1}, Rows{0, 0, 1, 1, 0, 0}));
  CHECK(find({0, 3}) == std::pair(Rows{0, 0, 1, 0, 0, 1}, Rows{0, 1, 0, 0, 1, 0}));
}

TEMPER_DEVICE_TEST("st_at: a choice passes its gradient to what was taken, and values that are not finite on",
                   "[trainers][st_at]") {
  test::GradCheck check({{4, 3}, {4, 3}, {4, 3}}, device);
  check.run([](Tape& tape, const std::vector<Var>& z) {
    const Extremes::Logits logits{z[0], z[1], z[2]};
    const Extremes extremes(tape.engine(), 4, z[0].value.dtype);
    extremes.find(tape, logits, test::labels_of(tape.engine(), {0, 1, 2, 0}));
    return add(tape, chosen(tape, extremes.lowest(), logits), chosen(tape, extremes.highest(), logits), 3.f);
  });

  Engine engine({.device = device, .arena_mb = 16});
  Tape tape(engine, Wrt::nothing);
  const auto row = [&](double v) { return Var{tensor_of(engine, {1, 2}, {v, 0})}; };
  const Extremes::Logits logits{row(0), row(NAN), row(1)};
  const Extremes extremes(engine, 1, DType::f32);
  extremes.find(tape, logits, test::labels_of(engine, {0}));
  CHECK(std::isnan(numbers_of(engine, chosen(tape, extremes.highest(), logits).value)[0]));
}

TEMPER_DEVICE_TEST("st_at: the targets of both KL terms take no gradient unless they are to", "[trainers][st_at]") {
  Engine engine({.device = device, .arena_mb = 16});
  const auto gradient = [&](Squeeze::KlGradient kl_gradient) {
    Tape tape(engine, Wrt::input);
    const Var low = tape.input(tensor_of(engine, {1, 2}, {-1, 0.5})),
              high = tape.input(tensor_of(engine, {1, 2}, {2, 0}));
    const Var between = tape.input(tensor_of(engine, {1, 2}, {0, 0}));
    const Extremes::Logits logits{low, between, high};
    const Extremes extremes(engine, 1, DType::f32);
    extremes.find(tape, logits, test::labels_of(engine, {0}));
    Squeeze squeeze;
    squeeze.kl_gradient = kl_gradient;
    tape.backward(squeeze.discrepancy(tape, extremes, logits));
    CHECK(numbers_of(engine, tape.grad(between)) == Rows{0, 0});
    return std::pair{numbers_of(engine, tape.grad(low))[0], numbers_of(engine, tape.grad(high))[0]};
  };
  const auto p = [](double a, double b) { return std::exp(a) / (std::exp(a) + std::exp(b)); };
  const double low = p(-1, 0.5), high = p(2, 0);
  const auto fixed = gradient(Squeeze::KlGradient::fixed_targets);
  CHECK(fixed.first == Approx((low - high) / 2).epsilon(1e-5));
  CHECK(fixed.second == Approx((high - low) / 2).epsilon(1e-5));
  // As a target, too: p_c (log p_c - log q_c - KL(p || q)), the difference of log-odds times p (1 - p).
  const double odds = -1.5 - 2;
  const auto both = gradient(Squeeze::KlGradient::both_sides);
  CHECK(both.first == Approx((low - high) / 2 + low * (1 - low) * odds / 2).epsilon(1e-5));
  CHECK(both.second == Approx((high - low) / 2 - high * (1 - high) * odds / 2).epsilon(1e-5));
}

TEMPER_DEVICE_TEST("st_at: the attack drives two points of the ball apart and leaves the statistics alone",
                   "[trainers][st_at]") {
  Setup s(device);
  const Weights& weights = s.state.network->weights();
  const auto statistics = arrays_of(weights.buffers);
  const Tensor points = s.points();
  CHECK(arrays_of(weights.buffers) == statistics);
  const Rows clean = numbers_of(s.state.engine, s.batch.images), found = numbers_of(s.state.engine, points);
  REQUIRE(found.size() == 2 * clean.size());
  for (size_t i = 0; i < found.size(); ++i) {
    const double x = clean[i % clean.size()];
    if (!(std::abs(found[i] - x) <= 0.05 + 1e-6 && found[i] >= 0 && found[i] <= 1)) FAIL_CHECK("pixel " << i);
  }
  Setup start(device, AttackBn::train_no_update, 0);
  const Tensor begun = start.points();
  CHECK(s.discrepancy(points) > 5 * start.discrepancy(begun));
  const Rows noise = numbers_of(start.state.engine, begun);
  CHECK(Rows(noise.begin(), noise.begin() + clean.size()) != Rows(noise.begin() + clean.size(), noise.end()));

  Setup tracked(device, AttackBn::train);
  const auto before = arrays_of(tracked.state.network->weights().buffers);
  tracked.points();
  CHECK(arrays_of(tracked.state.network->weights().buffers) != before);
}

TEMPER_DEVICE_TEST("st_at: the logged terms add up to the loss", "[trainers][st_at]") {
  Experiment e = test::tiny("{name: st_at, beta: 4, " + kAttack + "}", test::on(device));
  TrainingState state(e, read_splits(e));
  const StepNumbers step = train_step(state, "none");
  std::map<std::string, double> terms;
  for (const auto& [name, value] : step.logged) terms[name] = value;
  CHECK(terms.at("discrepancy") > 0);
  CHECK(step.loss == Approx(terms.at("clean_loss") + 4 * terms.at("discrepancy")).epsilon(1e-5));
}

TEST_CASE("st_at: an attack that would compare runs or points is refused", "[trainers][st_at][errors]") {
  for (const char* keys : {"restarts: 2", "return: best_loss"})
    CHECK_THROWS_WITH(test::tiny(std::string("{name: st_at, attack: {") + keys + "}}"),
                      ContainsSubstring("attack: expected one run whose last points are returned, got PGD linf") &&
                          ContainsSubstring("leave out attack.restarts and attack.return"));
}
