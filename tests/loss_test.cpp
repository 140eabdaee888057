#include "core/ops_loss.h"

#include <cmath>

#include "core/ops_elementwise.h"
#include "tests/gradcheck.h"

using namespace temper;
using test::GradCheck;

namespace {

Tensor labels_of(Engine& engine, const std::vector<int32_t>& values) {
  const Tensor t = engine.arena().tensor({static_cast<int64_t>(values.size())}, DType::i32);
  std::copy(values.begin(), values.end(), t.as<int32_t>());
  return t;
}

Tensor tensor_of(Engine& engine, Shape shape, const std::vector<double>& values) {
  const Tensor t = engine.arena().tensor(shape, DType::f64);
  std::copy(values.begin(), values.end(), t.as<double>());
  return t;
}

const Reduction kReductions[] = {Reduction::none, Reduction::mean, Reduction::sum, Reduction::elementwise};

}  // namespace

TEST_CASE("gradients of the losses", "[grad]") {
  GradCheck check({{4, 5}, {4, 5}});
  const Tensor labels = labels_of(check.engine(), {0, 4, 2, 2});
  const Tensor soft = tensor_of(check.engine(), {4, 5}, [] {
    std::vector<double> v = test::wave(20, 7);
    for (double& x : v) x = std::abs(x);
    return v;
  }());
  for (const Reduction r : kReductions) {
    for (const float smoothing : {0.f, 0.3f})
      check.run([&](Tape& t, const auto& p) { return cross_entropy(t, p[0], labels, r, smoothing); });
    check.run([&](Tape& t, const auto& p) { return soft_cross_entropy(t, p[0], soft, r); });
    for (const float temperature : {1.f, 3.f}) {
      check.run([&](Tape& t, const auto& p) { return kl_divergence(t, p[0], p[1], r, temperature); });
      check.run([&](Tape& t, const auto& p) { return kl_divergence(t, p[0], p[0], r, temperature); });
    }
    for (const float kappa : {0.f, 50.f})
      check.run([&](Tape& t, const auto& p) { return margin_loss(t, p[0], labels, kappa, r); });
    check.run([&](Tape& t, const auto& p) { return cosine_distance(t, p[0], p[1], r); });
    check.run([&](Tape& t, const auto& p) { return cosine_distance(t, p[0], scale(t, p[0], 3.f), r); });
  }
  check.run([](Tape& t, const auto& p) { return mean_squared_error(t, p[0], p[1]); });
  check.run([](Tape& t, const auto& p) { return mean_squared_error(t, p[0], scale(t, p[0], 3.f)); });
}

TEST_CASE("a cut side of a loss passes no gradient and the other side's is unchanged", "[grad]") {
  GradCheck check({{4, 5}, {4, 5}});
  const auto gradients = [&](auto loss) {
    Flat g(check.values().store(), DType::f64, {});
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

TEST_CASE("losses have their closed-form values", "[loss]") {
  Engine engine({.compute = DType::f64, .arena_mb = 16});
  Tape tape(engine, Wrt::input);
  const Tensor z = tensor_of(engine, {2, 4}, {3, 1, 0.5, -1, 3, 1, 0.5, -1});
  const Tensor labels = labels_of(engine, {0, 1});
  const auto value = [](const Var& v, int i = 0) { return v.value.as<double>()[i]; };

  const Var x = tape.input(z);
  const Var margin = margin_loss(tape, x, labels, 50);
  CHECK(value(margin, 0) == -52.0);
  const Var kappa0 = margin_loss(tape, x, labels, 0);
  CHECK(value(kappa0, 1) == 0.0);
  tape.backward(kappa0);
  const double* g = tape.grad(x).as<double>();
  CHECK(std::vector<double>(g, g + 8) == std::vector<double>{-1, 1, 0, 0, 0, 0, 0, 0});

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

TEST_CASE("cross entropy of extreme logits is finite and a label out of range is NaN", "[loss]") {
  Engine engine({.compute = DType::f64, .arena_mb = 16});
  Tape tape(engine, Wrt::nothing);
  const Var z{tensor_of(engine, {2, 2}, {1e5, -1e5, -1e5, 1e5})};
  const Var ce = cross_entropy(tape, z, labels_of(engine, {1, 1}), Reduction::none);
  CHECK(ce.value.as<double>()[0] == 2e5);
  CHECK(ce.value.as<double>()[1] == 0);
  CHECK(std::isnan(cross_entropy(tape, z, labels_of(engine, {2, 0})).value.as<double>()[0]));
  CHECK(std::isnan(margin_loss(tape, z, labels_of(engine, {-1, 0}), 0).value.as<double>()[0]));
}

TEST_CASE("a sample's loss does not depend on the batch around it", "[loss]") {
  Engine engine({.arena_mb = 16});
  Tape tape(engine, Wrt::nothing);
  const Tensor z = engine.arena().tensor({7, 10}, DType::f32);
  const std::vector<double> w = test::wave(70, 3);
  std::copy(w.begin(), w.end(), z.as<float>());
  const Tensor labels = labels_of(engine, {0, 1, 2, 3, 4, 5, 6});
  const Var all = cross_entropy(tape, {z}, labels, Reduction::none);
  const Var tail = cross_entropy(tape, {z.rows(2, 5)}, labels.rows(2, 5), Reduction::none);
  for (int i = 0; i < 5; ++i) CHECK(tail.value.as<float>()[i] == all.value.as<float>()[i + 2]);
}

TEST_CASE("predictions and correct counts", "[loss]") {
  Engine engine({.compute = DType::f64, .arena_mb = 16});
  const Tensor z = tensor_of(engine, {3, 3}, {1, 2, 2, -1, -2, -3, 0, 0, 5});
  CHECK(predictions(engine, z) == std::vector<int32_t>{1, 0, 2});
  CHECK(count_correct(engine, z, labels_of(engine, {1, 1, 2})) == 2);
  z.as<double>()[5] = NAN;
  CHECK_THROWS_WITH(predictions(engine, z),
                    "predictions: the logits of sample 1 hold a NaN, so they predict nothing; "
                    "the network has diverged or its weights are damaged");
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
}
