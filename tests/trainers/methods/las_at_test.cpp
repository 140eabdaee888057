// LAS-AT and LAS-TRADES: the attack of each image, what the strategy network learns from, and what the reward leaves
// alone.
#include "core/ops/elementwise.h"
#include "tests/fixtures/devices.h"
#include "tests/fixtures/networks.h"
#include "tests/fixtures/training_fixture.h"
#include "trainers/methods/parts/strategy.h"
#include "trainers/methods/parts/strategy_reward.h"

using namespace temper;

namespace {

const std::string kPolicy =
    ", policy: {model: {name: test_net}, optimizer: {lr: 0.01, momentum: 0.9}, every: 2}, reward: {judge: {radius: 0.05, "
    "step: 0.02, steps: 2}}";

std::string las(const std::string& strategy, const std::string& more = "") {
  return "{name: las_at, attack: {radius: 0.1, steps: 3}, start_radius: 0.05, strategy: {" + strategy + "}" + kPolicy +
         more + "}";
}
std::string las_trades(const std::string& strategy) {
  return "{name: las_trades, attack: {radius: 0.1, step: 0.02, steps: 3}, strategy: {" + strategy + "}" + kPolicy + "}";
}
const std::string kLists = "radius: [0.02, 0.1], steps: [1, 3], step: [0.01, 0.05]",
                  kOneOfEach = "radius: [0.05], steps: [2], step: [0.02]";

std::vector<double> losses(const std::string& trainer, Device device, int64_t steps = 4) {
  Experiment e = test::tiny(trainer, test::on(device));
  return test::first_steps(e, steps).losses;
}

/// A strategy, ready for a network, and a batch of that network's images.
struct Chooser {
  Engine engine;
  std::unique_ptr<Network> network;
  Strategy strategy{{.radius = {0.02, 0.05, 0.1}, .step = {0.01, 0.04}, .steps = {1, 2, 4}}, {}};
  TrainContext context{engine, *network};
  Batch batch;

  explicit Chooser(Device device)
      : engine({.device = device, .threads = 1, .arena_mb = 64}),
        network(test::network(engine, "{name: small_cnn, widths: [6, 8], strides: [1, 2]}", {.data = kShape})) {
    const Config config = parse_config("policy: {model: {name: small_cnn, widths: [4], strides: [1]}}");
    Fields f(config);
    strategy.fields(f, Pgd{{.radius = 0.1, .steps = 4}});
    f.finish();
    strategy.begin(context);
    batch = {.images = test::images(engine, kCount, kShape),
             .labels = engine.arena().tensor({kCount}, DType::i32),
             .ids = engine.arena().tensor({kCount}, DType::i32)};
    std::vector<int32_t> labels, ids;
    for (int32_t i = 0; i < kCount; ++i) labels.push_back(i % 3), ids.push_back(100 + 7 * i);
    test::write_values(engine, batch.labels, labels);
    test::write_values(engine, batch.ids, ids);
  }

  static constexpr DataShape kShape{.height = 6, .width = 6, .channels = 3, .classes = 3};
  static constexpr int64_t kCount = 16;
};

}  // namespace

TEMPER_DEVICE_TEST("las: every image is attacked with its own radius, steps and step size", "[trainers][las]") {
  Chooser c(device);
  Tape tape(c.engine, Wrt::nothing);
  const Strategy::Choices choices = c.strategy.act(tape, c.context, c.batch);
  const PgdPlan plan = c.strategy.plan(c.engine, choices);
  const Classifier classifier(*c.network, Pass::eval());
  const Pgd pgd{{.radius = 0.1, .step = 0.3, .steps = 4}};
  const RngStream random(3);
  const AttackCall call{c.engine, c.batch, classifier, random};
  const std::vector<double> found = test::numbers_of(c.engine, pgd.run(call, pgd.objective(classifier), plan).images);
  const std::vector<double> radius = test::numbers_of(c.engine, plan.radius),
                            step = test::numbers_of(c.engine, plan.step);
  const std::vector<int32_t> steps = test::values_of<int32_t>(c.engine, plan.steps);
  const size_t pixels = found.size() / Chooser::kCount;
  std::set<std::tuple<double, double, int32_t>> seen;
  for (size_t i = 0; i < radius.size(); ++i) {
    seen.emplace(radius[i], step[i], steps[i]);
    const Pgd alone{{.radius = radius[i], .step = step[i], .steps = steps[i]}};
    const std::vector<double> all = test::numbers_of(c.engine, alone.run(call).images);
    for (size_t p = i * pixels; p < (i + 1) * pixels; ++p) REQUIRE(found[p] == all[p]);
  }
  CHECK(seen.size() > 4);
}

TEMPER_DEVICE_TEST("las: the gradient of the policy is (softmax - choice) / N for each list", "[trainers][las]") {
  Chooser c(device);
  Tape tape(c.engine, Wrt::input);
  const int64_t n = Chooser::kCount, columns = 3 + 3 + 2;
  const Var outputs = tape.input(test::tensor_of(c.engine, {n, columns}, test::wave(n * columns, 3)));
  const Strategy::Choices choices = c.strategy.draw(tape, c.context, outputs, c.batch);
  REQUIRE(choices.size() == 3);
  tape.backward(c.strategy.minus_log_likelihood(tape, outputs, choices));
  const std::vector<double> got = test::numbers_of(c.engine, tape.grad(outputs)),
                            z = test::numbers_of(c.engine, outputs.value);
  const int64_t counts[] = {3, 3, 2};
  int64_t first = 0;
  for (size_t head = 0; head < 3; first += counts[head++]) {
    const std::vector<int32_t> drawn = test::values_of<int32_t>(c.engine, choices[head]);
    for (int64_t i = 0; i < n; ++i) {
      double sum = 0;
      for (int64_t k = 0; k < counts[head]; ++k) sum += std::exp(z[i * columns + first + k]);
      for (int64_t k = 0; k < counts[head]; ++k) {
        const double p = std::exp(z[i * columns + first + k]) / sum, chosen = drawn[i] == k;
        CHECK(std::abs(got[i * columns + first + k] - (p - chosen) / n) < 1e-7);
      }
    }
  }
}

TEMPER_DEVICE_TEST("las: with one value in each list it is PGD-AT or TRADES", "[trainers][las]") {
  const std::string attack = "attack: {radius: 0.05, steps: 2, step: 0.02}";
  CHECK(losses(las(kOneOfEach, ", label_smoothing: 0.25"), device) ==
        losses("{name: pgd_at, attack_bn: eval, label_smoothing: 0.25, " + attack + "}", device));
  CHECK(losses(las(kLists), device) != losses(las(kOneOfEach), device));
  const std::vector<double> got = losses(las_trades(kOneOfEach + ", beta: [6]"), device),
                            want = losses("{name: trades, beta: 6, " + attack + "}", device);
  for (size_t i = 0; i < want.size(); ++i) CHECK(std::abs(got[i] - want[i]) < 1e-4 * want[i]);
  CHECK(losses(las_trades(kOneOfEach + ", beta: [0]"), device) == losses("{name: standard}", device));
  CHECK(losses(las_trades(kOneOfEach + ", beta: []"), device) == losses("{name: trades, " + attack + "}", device));
}

TEMPER_DEVICE_TEST("las: the trial step and the judge leave the network as it is", "[trainers][las]") {
  const auto numbers = [&](const std::string& every) {
    Experiment e =
        test::tiny(las(kOneOfEach, ", label_smoothing: 0"), test::on(device, {"trainer.policy.every=" + every}));
    return test::first_steps(e, 6).numbers;  // with one value in each list the policy has no choice
  };
  CHECK(numbers("1") == numbers("0"));
}

TEMPER_DEVICE_TEST("las: the policy learns every so many steps, and the reward is on record", "[trainers][las]") {
  Experiment e = test::tiny(las(kLists, ", label_smoothing: 0"), test::on(device));
  TrainingState state(e, read_splits(e));
  const std::vector<MethodPart> parts = e.trainer.method->parts();
  REQUIRE(parts.size() == 1);
  std::vector<std::vector<double>> before = test::arrays_of(parts[0].weights->params);
  for (int64_t step = 1; step <= 6; ++step) {
    const Metrics logged = train_step(state, "none").logged;
    const auto after = test::arrays_of(parts[0].weights->params);
    CHECK((after != before) == (step % 2 == 0));
    REQUIRE(logged.size() == (step % 2 == 0 ? 5 : 1));
    if (step % 2 == 0) {
      CHECK(logged[1].first == "reward");
      CHECK(logged[2].second <= 10);
      CHECK(logged[1].second == logged[2].second + 4 * logged[3].second + 2 * logged[4].second);
    }
    before = after;
  }
}

TEMPER_DEVICE_TEST("las: the loss in the reward is cut at its limit, and weights add up", "[trainers][las]") {
  Chooser c(device);
  StrategyReward reward({.max_loss = 1.5, .robust_weight = 3, .clean_weight = 5});
  reward.begin(c.context);
  c.context.lr = 0.1;
  const auto of = [&](double loss) {
    c.context.begin_step();
    const auto constant = [&](Tape& tape, const Pass&) { return Var{test::tensor_of(tape.engine(), {1}, {loss})}; };
    const auto learns = [&](Tape& tape, const Pass& pass) {
      return cross_entropy(tape, (*c.network)(tape, tape.input(c.batch.images), pass), c.batch.labels);
    };
    return reward.of(c.context, c.batch, constant, learns);
  };
  const StrategyReward::Reward low = of(1.25), high = of(7);
  CHECK(low.loss == 1.25);
  CHECK(high.loss == 1.5);
  CHECK(high.total == 1.5 + 3 * high.robust + 5 * high.clean);
  CHECK(high.robust <= high.clean);
}

TEST_CASE("las: a setting that cannot be is refused where it stands", "[trainers][errors][las]") {
  const auto refused = [](const std::string& trainer, const char* text) {
    CHECK_THROWS_WITH(test::tiny(trainer), ContainsSubstring(text));
  };
  refused(las("radius: [0.05, 0.2]"),
          "trainer.strategy.radius: expected values up to attack.radius, which is 0.1, got 0.2; raise "
          "trainer.attack.radius, or leave larger values out of the list");
  refused(las("steps: [4]"), "trainer.strategy.steps: expected values up to attack.steps, which is 3, got 4");
  refused(las("radius: [], steps: [], step: []"), "expected at least one list with values");
  refused(las("beta: [1]"), "unknown key 'beta'");
  refused("{name: las_at, final_radius: 0.1, attack: {norm: l2}}",
          "trainer.final_radius: expected 0 with attack.norm: l2");
}

TEST_CASE("las: default values that the attack does not allow are left out", "[trainers][las]") {
  const Experiment e = test::tiny("{name: las_at, attack: {radius: 5/255, step: 1/255, steps: 4}" + kPolicy + "}");
  const std::string yaml = e.resolved.yaml();
  CHECK_THAT(yaml, ContainsSubstring("steps: [3, 4]"));
  CHECK_THAT(yaml, ContainsSubstring("radius: [0.0117647"));
}

TEST_CASE("las: a policy that diverges says so", "[trainers][errors][las]") {
  Experiment e = test::tiny(
      las(kLists), {"trainer.policy.optimizer={lr: 1e30, momentum: 0, weight_decay: 0}", "trainer.policy.every=1"});
  TrainingState state(e, read_splits(e));
  const auto steps = [&] {
    for (int i = 0; i < 4; ++i) train_step(state, "none");
  };
  CHECK_THROWS_WITH(steps(), ContainsSubstring("lower trainer.policy.optimizer.lr"));
}
