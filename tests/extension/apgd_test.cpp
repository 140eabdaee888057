// APGD against the official implementation (auto-attack a392200), whose numbers are in f32.
#include <cmath>

#include "attacks/driver.h"
#include "tests/fixtures/devices.h"
#include "tests/fixtures/toy_mlp.h"
#include "tests/fixtures/toy_net.h"

using namespace temper;
using test::numbers_of;

namespace {

std::unique_ptr<Attack> apgd(const std::string& settings) {
  const Config config = parse_config("attack: {name: apgd, " + settings + "}\n", "apgd");
  Fields f(config);
  std::string name;
  return Registry<Attack>::instance().read(f, "attack", name);
}

/// 20 (q - 0.55)^2 and 0 for images of one pixel q; keeps what it was asked.
struct Parabola {
  std::vector<double>& asked;
  Var operator()(Tape& tape, const Var& x) const {
    const double q = numbers_of(tape.engine(), x.value)[0];
    asked.push_back(q);
    const Tensor y = tape.alloc({1, 2}, x.value.dtype);
    test::write_numbers(tape.engine(), y, {20 * (q - 0.55) * (q - 0.55), 0});
    return tape.record("parabola", y, {x}, [=](Tape& tape, const Tensor& dy) {
      test::write_numbers(tape.engine(), tape.sink(x).into, {numbers_of(tape.engine(), dy)[0] * 40 * (q - 0.55)});
    });
  }
};

}  // namespace

TEMPER_DEVICE_TEST("apgd: best losses of the official implementation on the toy network", "[extension][golden]") {
  Engine engine({.device = device, .compute = DType::f64, .arena_mb = 16});
  const test::ToyMlp net(engine);
  Batch batch = test::ToyMlp::batch(engine);
  const Tensor second = test::labels_of(engine, {1, 1, 1, 0});
  struct Expected {
    std::string settings;
    bool targeted;
    std::vector<double> best;
  };
  const std::vector<double> done = {1.0966200828552246, 0.0018450870411470532, 0.6314693093299866, 1.9566420316696167};
  const Expected cases[] = {
      {"steps: 1", false, {1.0966200828552246, 0.0018374717328697443, 0.6314693093299866, 1.951494574546814}},
      {"steps: 2", false, {1.0966200828552246, 0.0018417553510516882, 0.6314693093299866, 1.9551079273223877}},
      {"steps: 3", false, done},
      {"steps: 20", false, done},
      {"steps: 100", false, done},
      {"loss: dlr", false, {0.15210960805416107, -0.4315620958805084, -0.0777246505022049, 0.26921015977859497}},
      {"loss: dlr", true, {0.08982369303703308, -0.42303088307380676, -0.050884295254945755, 0.20446603000164032}}};
  for (const Expected& c : cases) {
    INFO(c.settings);
    batch.targets = c.targeted ? second : Tensor{};
    const auto best = apgd(c.settings + ", radius: 0.05, from: clean, return: best_loss");
    const Classifier classifier = [&](Tape& t, const Var& x) { return net(t, x); };
    const AttackResult found = best->run({engine, batch, classifier, RngStream(0)});
    const std::vector<double> loss = numbers_of(engine, found.loss);
    for (int i = 0; i < 4; ++i) CHECK(loss[i] == Approx(c.best[i]).margin(1e-6));
    batch.targets = {};
    const auto any = apgd(c.settings + ", radius: 0.05, from: clean");
    CHECK(numbers_of(engine, any->run({engine, batch, classifier, RngStream(0)}).success) ==
          std::vector<double>{1, 0, 0, 1});
  }
}

TEST_CASE("apgd: the points of the official implementation, through its checkpoints", "[extension][golden]") {
  Engine engine({.compute = DType::f64, .arena_mb = 4});
  const Batch batch{.images = test::tensor_of(engine, {1, 1}, {0.5}),
                    .labels = test::labels_of(engine, {0}),
                    .ids = test::labels_of(engine, {0})};
  std::vector<double> asked;
  apgd("radius: 0.1, from: clean")->run({engine, batch, Parabola{asked}, RngStream(0)});
  REQUIRE(asked.size() == 101);
  const auto near = [&](size_t at, std::initializer_list<double> want) {
    for (const double w : want) CHECK(asked[at++] == Approx(w).margin(2e-5));
  };
  near(0, {.5, .6, .475, .5375, .6, .465625, .532812, .6});
  near(23, {.585417, .522396, .564844, .500456, .559017});  // after the first checkpoint
}

TEMPER_DEVICE_TEST("apgd: starts at the border, stays in ball and box, and does not depend on slices", "[extension]") {
  Engine engine({.device = device, .arena_mb = 64});
  const test::ToyNet net(engine);
  const test::ToyBatch toy(engine, 9);
  const auto attack = apgd("radius: 0.1, steps: 12, restarts: 2");
  const auto images = [&](int64_t rows, Wanted wanted) {
    const Classifier classifier = net.classifier(true).at_a_time(rows);
    return numbers_of(engine, attack->run({engine, toy.batch, classifier, RngStream(3), wanted}).images);
  };
  const std::vector<double> x = images(9, Wanted::images), clean = numbers_of(engine, toy.batch.images);
  CHECK(images(4, Wanted::images) == x);
  double most = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    CHECK((x[i] >= 0 && x[i] <= 1));
    most = std::max(most, std::abs(x[i] - clean[i]));
  }
  CHECK(most == Approx(0.1).margin(1e-6));
  CHECK_THROWS_WITH(apgd("radius: 2"), ContainsSubstring("radius"));
}
