// The cross entropy of images that were mixed from two.
#include "core/ops/mixed_loss.h"

#include "attacks/pgd.h"
#include "tests/fixtures/devices.h"
#include "tests/fixtures/gradcheck.h"
#include "tests/fixtures/networks.h"
#include "trainers/methods/parts/class_targets.h"

using namespace temper;
using test::GradCheck;
using test::labels_of;
using test::numbers_of;
using test::tensor_of;

namespace {

const std::vector<int> kLabels = {0, 4, 2, 2}, kOther = {1, 4, 0, 3};
const std::vector<double> kShare = {0.25, 0.5, 0, 1};

MixedLabels mixed(Engine& engine) {
  return {.labels = labels_of(engine, kLabels),
          .other = labels_of(engine, kOther),
          .share = tensor_of(engine, {4}, kShare)};
}

/// (1 - smoothing) times the mixture of the labels, and smoothing spread over 5 classes.
Tensor distribution(Engine& engine, double smoothing) {
  std::vector<double> target(20, smoothing / 5);
  for (size_t i = 0; i < 4; ++i) {
    target[5 * i + kLabels[i]] += (1 - smoothing) * (1 - kShare[i]);
    target[5 * i + kOther[i]] += (1 - smoothing) * kShare[i];
  }
  return tensor_of(engine, {4, 5}, target);
}

}  // namespace

TEMPER_DEVICE_TEST("gradient of the mixed cross entropy", "[losses][grad]") {
  GradCheck check({{4, 5}}, device);
  for (const Reduction r : {Reduction::none, Reduction::mean, Reduction::sum})
    for (const float smoothing : {0.f, 0.3f})
      check.run([&](Tape& t, const auto& p) { return mixed_cross_entropy(t, p[0], mixed(t.engine()), r, smoothing); });
}

TEST_CASE("the mixed cross entropy is that of the mixed target", "[losses]") {
  Engine engine({.compute = DType::f64, .arena_mb = 16});
  const Tensor logits = tensor_of(engine, {4, 5}, test::wave(20, 3));
  for (const Reduction r : {Reduction::none, Reduction::mean, Reduction::sum})
    for (const float smoothing : {0.f, 0.25f}) {
      Tape tape(engine, Wrt::nothing);
      const Var x = tape.input(logits);
      const std::vector<double> got =
                                    numbers_of(engine, mixed_cross_entropy(tape, x, mixed(engine), r, smoothing).value),
                                want = numbers_of(
                                    engine, soft_cross_entropy(tape, x, distribution(engine, smoothing), r).value);
      REQUIRE(got.size() == want.size());
      for (size_t i = 0; i < got.size(); ++i) CHECK(got[i] == Approx(want[i]).epsilon(1e-12));
    }
  Tape tape(engine, Wrt::nothing);
  const Var x = tape.input(logits);
  CHECK(numbers_of(engine, mixed_cross_entropy(tape, x, {.labels = labels_of(engine, kLabels)}).value) ==
        numbers_of(engine, cross_entropy(tape, x, labels_of(engine, kLabels)).value));
  CHECK_THROWS_WITH(mixed_cross_entropy(tape, x, mixed(engine), Reduction::elementwise),
                    "mixed_cross_entropy: expected the reduction none, sum or mean, got elementwise");
  MixedLabels without = mixed(engine);
  without.share = {};
  CHECK_THROWS_WITH(mixed_cross_entropy(tape, x, without),
                    ContainsSubstring("mixed_cross_entropy: expected a share per row, (4)"));
}

TEST_CASE("methods and attacks use both labels of a mixed image", "[losses]") {
  Engine engine({.compute = DType::f64, .arena_mb = 64});
  const auto net = test::network(engine, "{name: small_cnn}",
                                 {.data = {.height = 8, .width = 8, .classes = 5}, .dtype = DType::f64});
  const DataShape shape{.height = 8, .width = 8, .classes = 5};
  Batch batch{.images = test::images(engine, 4, shape),
              .labels = labels_of(engine, kLabels),
              .ids = labels_of(engine, {0, 1, 2, 3})};
  const Pgd pgd({.radius = 0.1, .step = 0.02, .steps = 3, .start = PgdOptions::Start::none});
  const auto attacked = [&] {
    return numbers_of(engine, pgd.run({engine, batch, {*net, Pass::eval()}, RngStream(1)}).images);
  };
  const auto loss = [&] {
    Tape tape(engine, Wrt::nothing);
    return numbers_of(
        engine,
        ClassTargets().cross_entropy(tape, (*net)(tape, tape.input(batch.images), Pass::eval()), batch).value)[0];
  };
  const double plain_loss = loss();
  const std::vector<double> plain = attacked();
  batch.other_labels = labels_of(engine, kOther);
  batch.other_share = tensor_of(engine, {4}, kShare);
  CHECK(loss() != Approx(plain_loss));
  const std::vector<double> mixed = attacked();
  // The third image has only its own label, the fourth only the other one.
  const auto row = [](const std::vector<double>& v, int64_t i) {
    return std::vector(v.begin() + 192 * i, v.begin() + 192 * (i + 1));
  };
  CHECK(row(mixed, 2) == row(plain, 2));
  CHECK(row(mixed, 0) != row(plain, 0));
  batch.other_labels = {};
  batch.labels = labels_of(engine, {0, 4, 2, 3});
  CHECK(row(mixed, 3) == row(attacked(), 3));
}
