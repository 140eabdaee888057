// What attacks ascend: the direction of a loss's gradient, which stays where the loss's own vanishes.
#include <cmath>

#include "core/ops/loss.h"
#include "tests/fixtures/devices.h"
#include "tests/fixtures/gradcheck.h"

using namespace temper;
using test::labels_of;
using test::numbers_of;
using test::tensor_of;

namespace {

constexpr int kRows = 3, kClasses = 5;
using Loss = std::function<Var(Tape&, const Var&)>;

struct Found {
  std::vector<double> values, gradient;
};

Found differentiate(Engine& engine, const std::vector<double>& logits, const Loss& loss) {
  Tape tape(engine, Wrt::input);
  const Var z = tape.input(tensor_of(engine, {kRows, kClasses}, logits));
  const Var value = loss(tape, z);
  tape.backward(value);
  return {numbers_of(engine, value.value), numbers_of(engine, tape.grad(z))};
}

/// A row over its largest magnitude.
std::vector<double> direction(const std::vector<double>& gradient, int row) {
  std::vector<double> out(gradient.begin() + row * kClasses, gradient.begin() + (row + 1) * kClasses);
  double most = 0;
  for (const double v : out) most = std::max(most, std::abs(v));
  for (double& v : out) v /= most;
  return out;
}

/// Central differences of each sample's value.
std::vector<double> numeric(Engine& engine, std::vector<double> logits, const Loss& loss) {
  constexpr double kStep = 1e-5;
  std::vector<double> out;
  for (size_t i = 0; i < logits.size(); ++i) {
    const double z = logits[i];
    const auto at = [&](double v) {
      logits[i] = v;
      return differentiate(engine, logits, loss).values[i / kClasses];
    };
    out.push_back((at(z + kStep) - at(z - kStep)) / (2 * kStep));
    logits[i] = z;
  }
  return out;
}

EngineOptions f64() { return {.compute = DType::f64, .arena_mb = 16}; }

std::vector<double> times(std::vector<double> v, double factor) {
  for (double& x : v) x *= factor;
  return v;
}

}  // namespace

TEST_CASE("log odds: cross entropy's direction and order", "[losses][attacks][grad]") {
  Engine engine(f64());
  const Tensor labels = labels_of(engine, {0, 4, 2});
  const std::vector<double> logits = test::wave(kRows * kClasses, 3);
  const Loss entropy = [&](Tape& t, const Var& z) { return cross_entropy(t, z, labels, Reduction::none); };
  const Found odds = differentiate(engine, logits, [&](Tape& t, const Var& z) { return log_odds(t, z, labels); });
  const Found ce = differentiate(engine, logits, entropy);
  const std::vector<double> slope = numeric(engine, logits, entropy);
  for (int r = 0; r < kRows; ++r) {
    CHECK(std::log1p(std::exp(odds.values[r])) == Approx(ce.values[r]).epsilon(1e-12));
    const std::vector<double> want = direction(ce.gradient, r), got = direction(odds.gradient, r),
                              differences = direction(slope, r);
    for (int c = 0; c < kClasses; ++c) {
      CHECK(got[c] == Approx(want[c]).margin(1e-12));
      CHECK(got[c] == Approx(differences[c]).margin(1e-8));
    }
  }
}

TEST_CASE("KL's direction is that of its central differences", "[losses][attacks][grad]") {
  Engine engine(f64());
  const Tensor target = tensor_of(engine, {kRows, kClasses}, test::wave(kRows * kClasses, 9));
  const std::vector<double> logits = test::wave(kRows * kClasses, 3);
  const Loss kl = [&](Tape& t, const Var& z) { return kl_divergence(t, z, {target}, Reduction::none); };
  const Found found = differentiate(engine, logits, [&](Tape& t, const Var& z) { return kl_direction(t, z, target); });
  const std::vector<double> slope = numeric(engine, logits, kl);
  CHECK(found.values == differentiate(engine, logits, kl).values);
  for (int r = 0; r < kRows; ++r) {
    const std::vector<double> want = direction(slope, r);
    for (int c = 0; c < kClasses; ++c) CHECK(found.gradient[r * kClasses + c] == Approx(want[c]).margin(1e-8));
  }
}

TEMPER_DEVICE_TEST("a sure network leaves cross entropy without a gradient, and the odds with one",
                   "[losses][attacks]") {
  Engine engine({.device = device, .arena_mb = 16});
  const Tensor labels = labels_of(engine, {0, 0, 0});
  const std::vector<double> logits = {900, 0, 1, 2, 3, 0.5, 0, 0, 0, 0, 1e30, 1, 2, 0, 0};
  const std::vector<double> zero(kClasses, 0.0);
  const Found ce = differentiate(engine, logits,
                                 [&](Tape& t, const Var& z) { return cross_entropy(t, z, labels, Reduction::none); });
  const Found odds = differentiate(engine, logits, [&](Tape& t, const Var& z) { return log_odds(t, z, labels); });
  CHECK(std::vector<double>(ce.gradient.begin(), ce.gradient.begin() + kClasses) == zero);
  CHECK(odds.gradient[0] == -1);
  CHECK(odds.gradient[4] == Approx(1 / (1 + std::exp(-1) + std::exp(-2) + std::exp(-3))).epsilon(1e-6));
  CHECK(odds.values[0] == Approx(-900 + 3 + std::log(1 + std::exp(-1) + std::exp(-2) + std::exp(-3))));
  CHECK(odds.gradient[10] == -1);
}

TEMPER_DEVICE_TEST("KL keeps its direction where both distributions are sure of one class", "[losses][attacks]") {
  Engine engine({.device = device, .arena_mb = 16});
  const std::vector<double> target = {8, 1, 0, -1, 0.5, 3, 3, 2, 1, 0, 0, 0, 0, 0, 0},
                            logits = {8, 1.5, 0, -1, 0.25, 3, 2, 2, 1, 0, 0, 0, 0, 0, 0};
  for (const double scale : {1.0, 50.0, 1000.0}) {
    INFO("logits times " << scale);
    const Tensor at = tensor_of(engine, {kRows, kClasses}, times(target, scale));
    const Found found =
        differentiate(engine, times(logits, scale), [&](Tape& t, const Var& z) { return kl_direction(t, z, at); });
    CHECK(found.gradient[0] < 0);  // the class that both are sure of loses what class 1 gains
    CHECK(found.gradient[1] == Approx(1).margin(0.3));
    CHECK(found.gradient[0] + found.gradient[1] + found.gradient[2] + found.gradient[3] + found.gradient[4] ==
          Approx(0).margin(1e-6));
    for (int c = 0; c < kClasses; ++c) CHECK(found.gradient[10 + c] == 0);  // where the two are one, it has none
  }
}

TEMPER_DEVICE_TEST("a logit that is not finite makes an attack's value and gradient NaN", "[losses][attacks]") {
  Engine engine({.device = device, .arena_mb = 16});
  const Tensor labels = labels_of(engine, {0, 1, 2});
  const std::vector<double> fine = test::wave(kRows * kClasses, 3);
  const Tensor target = tensor_of(engine, {kRows, kClasses}, fine);
  const Loss losses[] = {[&](Tape& t, const Var& z) { return log_odds(t, z, labels); },
                         [&](Tape& t, const Var& z) { return kl_direction(t, z, target); },
                         [&](Tape& t, const Var& z) { return margin_loss(t, z, labels, 50); }};
  for (const Loss& loss : losses)
    for (const double bad : {double(NAN), double(INFINITY), -double(INFINITY)})
      for (const int at : {5, 6, 9}) {  // of row 1, whose label is 1
        std::vector<double> logits = fine;
        logits[at] = bad;
        const Found found = differentiate(engine, logits, loss);
        CHECK(std::isfinite(found.values[0]));
        CHECK_FALSE(std::isfinite(found.values[1]));
        CHECK(std::isfinite(found.gradient[0]));
        for (int c = 0; c < kClasses; ++c) CHECK(std::isnan(found.gradient[kClasses + c]));
      }
}
