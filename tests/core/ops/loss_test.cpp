#include "core/ops/loss.h"

#include <cmath>

#include "core/ops/elementwise.h"
#include "tests/fixtures/devices.h"
#include "tests/fixtures/gradcheck.h"

using namespace temper;
using test::GradCheck;
using test::GradWorld;
using test::labels_of;
using test::numbers_of;
using test::tensor_of;

namespace {

const Reduction kReductions[] = {Reduction::none, Reduction::mean, Reduction::sum, Reduction::elementwise};

}  // namespace

TEMPER_DEVICE_TEST("gradients of the losses", "[losses][grad]") {
  GradCheck check({{4, 5}, {4, 5}}, device);
  const auto labels = [](Tape& t) { return labels_of(t.engine(), {0, 4, 2, 2}); };
  const auto soft = [](Tape& t) {
    std::vector<double> v = test::wave(20, 7);
    for (double& x : v) x = std::abs(x);
    return tensor_of(t.engine(), {4, 5}, v);
  };
  for (const Reduction r : kReductions) {
    for (const float smoothing : {0.f, 0.3f})
      check.run([&](Tape& t, const auto& p) { return cross_entropy(t, p[0], labels(t), r, smoothing); });
    check.run([&](Tape& t, const auto& p) { return soft_cross_entropy(t, p[0], soft(t), r); });
    for (const float temperature : {1.f, 3.f}) {
      check.run([&](Tape& t, const auto& p) { return kl_divergence(t, p[0], p[1], r, temperature); });
      check.run([&](Tape& t, const auto& p) { return kl_divergence(t, p[0], p[0], r, temperature); });
    }
    for (const float kappa : {0.f, 50.f})
      check.run([&](Tape& t, const auto& p) { return margin_loss(t, p[0], labels(t), kappa, r); });
    check.run([&](Tape& t, const auto& p) { return cosine_distance(t, p[0], p[1], r); });
    check.run([&](Tape& t, const auto& p) { return cosine_distance(t, p[0], scale(t, p[0], 3.f), r); });
  }
  check.run([&](Tape& t, const auto& p) { return log_odds(t, p[0], labels(t)); });
  check.run([](Tape& t, const auto& p) { return mean_squared_error(t, p[0], p[1]); });
  check.run([](Tape& t, const auto& p) { return mean_squared_error(t, p[0], scale(t, p[0], 3.f)); });
}

TEMPER_DEVICE_TEST("a cut side of a loss passes no gradient and the other side's is unchanged", "[losses][grad]") {
  GradWorld check({.device = device, .arena_mb = 16}, {{4, 5}, {4, 5}});
  const auto gradients = [&](auto loss) {
    ParamBuffer g = check.make_gradients();
    Tape tape(check.engine(), Wrt::params);
    tape.backward(loss(tape, tape.param(check.values(), 0), tape.param(check.values(), 1)), g);
    return std::pair{g.read(0), g.read(1)};
  };
  const auto both = gradients([](Tape& t, Var a, Var b) { return kl_divergence(t, a, b); });
  const auto left = gradients([](Tape& t, Var a, Var b) { return kl_divergence(t, a, stop_gradient(b)); });
  const auto right = gradients([](Tape& t, Var a, Var b) { return kl_divergence(t, stop_gradient(a), b); });
  const std::vector<double> zero(20, 0.0);
  CHECK(left.first == both.first);
  CHECK(left.second == zero);
  CHECK(right.first == zero);
  CHECK(right.second == both.second);
  const auto mse = gradients([](Tape& t, Var a, Var b) { return mean_squared_error(t, a, stop_gradient(b)); });
  CHECK(mse.second == zero);
  const auto cosine = gradients([](Tape& t, Var a, Var b) { return cosine_distance(t, a, b); });
  const auto first = gradients([](Tape& t, Var a, Var b) { return cosine_distance(t, a, stop_gradient(b)); });
  const auto second = gradients([](Tape& t, Var a, Var b) { return cosine_distance(t, stop_gradient(a), b); });
  CHECK(first == std::pair{cosine.first, zero});
  CHECK(second == std::pair{zero, cosine.second});
}

TEMPER_DEVICE_TEST("losses have their closed-form values", "[losses]") {
  // f64 on a GPU too: only convolutions have none there.
  Engine engine({.device = device, .compute = DType::f64, .arena_mb = 16});
  Tape tape(engine, Wrt::input);
  const Tensor z = tensor_of(engine, {2, 4}, {3, 1, 0.5, -1, 3, 1, 0.5, -1});
  const Tensor labels = labels_of(engine, {0, 1});
  const auto value = [&](const Var& v, int i = 0) { return numbers_of(engine, v.value)[i]; };

  const Var x = tape.input(z);
  const Var margin = margin_loss(tape, x, labels, 50);
  CHECK(value(margin, 0) == -52.0);
  const Var kappa0 = margin_loss(tape, x, labels, 0);
  CHECK(value(kappa0, 1) == 0.0);
  tape.backward(kappa0);
  CHECK(numbers_of(engine, tape.grad(x)) == std::vector<double>{-1, 1, 0, 0, 0, 0, 0, 0});

  const double lse = std::log(std::exp(3.0) + std::exp(1.0) + std::exp(0.5) + std::exp(-1.0));
  const Var ce = cross_entropy(tape, x, labels, Reduction::none);
  CHECK(value(ce, 0) == Approx(lse - 3).epsilon(1e-14));
  CHECK(value(ce, 1) == Approx(lse - 1).epsilon(1e-14));
  CHECK(value(cross_entropy(tape, x, labels)) == Approx(lse - 2).epsilon(1e-14));
  CHECK(value(cross_entropy(tape, x, labels, Reduction::sum)) == Approx(2 * lse - 4).epsilon(1e-14));
  CHECK(value(cross_entropy(tape, x, labels, Reduction::elementwise)) == Approx((2 * lse - 4) / 8).epsilon(1e-14));
  CHECK(value(cross_entropy(tape, x, labels, Reduction::none, 0.4f)) ==
        Approx(lse - (0.6 * 3 + 0.4 * 3.5 / 4)).epsilon(1e-7));
  CHECK(value(soft_cross_entropy(tape, x, tensor_of(engine, {2, 4}, {.5, .5, 0, 0, 0, 0, 0, 1}), Reduction::none)) ==
        Approx(lse - 2).epsilon(1e-14));

  const Var t{tensor_of(engine, {2, 4}, {0, 0, 0, 0, 6, 2, 1, -2})};
  const Var kl = kl_divergence(tape, x, t, Reduction::none, 2);
  const double lse2 = std::log(std::exp(1.5) + std::exp(0.5) + std::exp(0.25) + std::exp(-0.5));
  CHECK(value(kl, 0) == Approx(-std::log(4.0) + lse2 - 1.75 / 4).epsilon(1e-13));
  CHECK(value(kl_divergence(tape, x, x)) == 0.0);
  CHECK(value(mean_squared_error(tape, x, t)) == Approx((11.25 + 11.25) / 8).epsilon(1e-14));

  const Var u{tensor_of(engine, {4, 2}, {1, 0, 1, 1, 2, -1, 0, 0})};
  const Var v{tensor_of(engine, {4, 2}, {0, 3, 5, 0, -4, 2, 1, 1})};
  const Var cosine = cosine_distance(tape, u, v, Reduction::none);
  CHECK(value(cosine, 0) == 1.0);
  CHECK(value(cosine, 1) == Approx(1 - std::sqrt(0.5)).epsilon(1e-14));
  CHECK(value(cosine, 2) == Approx(2).epsilon(1e-14));
  CHECK(value(cosine, 3) == 1.0);  // no direction
  CHECK(value(cosine_distance(tape, u, v)) == Approx((5 - std::sqrt(0.5)) / 4).epsilon(1e-14));
}

TEMPER_DEVICE_TEST("cross entropy of extreme logits is finite and a label out of range is NaN", "[losses]") {
  Engine engine({.device = device, .compute = DType::f64, .arena_mb = 16});
  Tape tape(engine, Wrt::nothing);
  const Var z{tensor_of(engine, {2, 2}, {1e5, -1e5, -1e5, 1e5})};
  const Var ce = cross_entropy(tape, z, labels_of(engine, {1, 1}), Reduction::none);
  CHECK(numbers_of(engine, ce.value) == std::vector<double>{2e5, 0});
  CHECK(std::isnan(numbers_of(engine, cross_entropy(tape, z, labels_of(engine, {2, 0})).value)[0]));
  CHECK(std::isnan(numbers_of(engine, margin_loss(tape, z, labels_of(engine, {-1, 0}), 0).value)[0]));
}

TEMPER_DEVICE_TEST("a sample's loss does not depend on the batch around it", "[losses]") {
  Engine engine({.device = device, .arena_mb = 16});
  Tape tape(engine, Wrt::nothing);
  const Tensor z = tensor_of(engine, {7, 10}, test::wave(70, 3));
  const Tensor labels = labels_of(engine, {0, 1, 2, 3, 4, 5, 6});
  const Var all = cross_entropy(tape, {z}, labels, Reduction::none);
  const Var tail = cross_entropy(tape, {z.rows(2, 5)}, labels.rows(2, 5), Reduction::none);
  for (int i = 0; i < 5; ++i) CHECK(numbers_of(engine, tail.value)[i] == numbers_of(engine, all.value)[i + 2]);
}

TEMPER_DEVICE_TEST("predictions and correct counts", "[losses]") {
  Engine engine({.device = device, .compute = DType::f64, .arena_mb = 16});
  const Tensor z = tensor_of(engine, {3, 3}, {1, 2, 2, -1, -2, -3, 0, 0, 5});
  CHECK(predictions(engine, z) == std::vector<int32_t>{1, 0, 2});
  CHECK(count_correct(engine, z, labels_of(engine, {1, 1, 2})) == 2);
  for (const double bad : {double(NAN), double(INFINITY), -double(INFINITY)}) {
    test::write_numbers(engine, z, {1, 2, 2, -1, -2, bad, 0, 0, 5});
    CHECK_THROWS_WITH(predictions(engine, z),
                      "predictions: the logits of sample 1 are not finite, so they predict nothing; the network has "
                      "diverged, its weights are damaged, or an intermediate value overflowed its type");
  }
}

TEST_CASE("loss errors name the operands", "[errors]") {
  Engine engine({.compute = DType::f64, .arena_mb = 16});
  Tape tape(engine, Wrt::nothing);
  const Var z{tensor_of(engine, {2, 4}, std::vector<double>(8))}, one{tensor_of(engine, {2, 1}, {1, 1})};
  const Var other{tensor_of(engine, {4, 2}, std::vector<double>(8))};
  const Tensor labels = labels_of(engine, {0, 1, 2}), two = labels_of(engine, {0, 0});
  CHECK_THROWS_WITH(cross_entropy(tape, z, labels),
                    "cross_entropy: logits are (2, 4) so labels must be (2) i32, got (3) i32");
  CHECK_THROWS_WITH(margin_loss(tape, z, labels, 0),
                    "margin_loss: logits are (2, 4) so labels must be (2) i32, got (3) i32");
  CHECK_THROWS_WITH(count_correct(engine, z.value, labels),
                    "count_correct: logits are (2, 4) so labels must be (2) i32, got (3) i32");
  CHECK_THROWS_WITH(cross_entropy(tape, {labels}, labels), "cross_entropy: logits must be (N, classes), got (3)");
  CHECK_THROWS_WITH(cross_entropy(tape, z, two, Reduction::mean, 1.5f),
                    "cross_entropy: smoothing must lie in [0, 1], got 1.5");
  CHECK_THROWS_WITH(soft_cross_entropy(tape, z, other.value),
                    "soft_cross_entropy: logits is (2, 4) f64 so target must be too, got (4, 2) f64");
  CHECK_THROWS_WITH(kl_divergence(tape, z, other),
                    "kl_divergence: logits is (2, 4) f64 so target must be too, got (4, 2) f64");
  CHECK_THROWS_WITH(kl_divergence(tape, z, z, Reduction::mean, 0),
                    "kl_divergence: temperature must be positive, got 0");
  CHECK_THROWS_WITH(mean_squared_error(tape, z, other),
                    "mean_squared_error: a is (2, 4) f64 so b must be too, got (4, 2) f64");
  CHECK_THROWS_WITH(cosine_distance(tape, z, other),
                    "cosine_distance: a is (2, 4) f64 so b must be too, got (4, 2) f64");
  CHECK_THROWS_WITH(cosine_distance(tape, {labels}, {labels}), "cosine_distance: a must be (N, C), got (3)");
  CHECK_THROWS_WITH(margin_loss(tape, one, two, 0),
                    "margin_loss: expected at least 2 classes because the margin is to another class, got 1");
  CHECK_THROWS_WITH(log_odds(tape, one, two),
                    "log_odds: expected at least 2 classes because the odds are those of the others, got 1");
  CHECK_THROWS_WITH(kl_direction(tape, one, one.value),
                    "kl_direction: expected at least 2 classes because one class leaves nowhere to go, got 1");
  CHECK_THROWS_WITH(log_odds(tape, z, labels), "log_odds: logits are (2, 4) so labels must be (2) i32, got (3) i32");
  CHECK_THROWS_WITH(kl_direction(tape, z, other.value),
                    "kl_direction: logits is (2, 4) f64 so target must be too, got (4, 2) f64");
}
