#include "core/ops_norm.h"

#include "core/ops_elementwise.h"
#include "tests/gradcheck.h"

using namespace temper;
using test::GradCheck;
using test::wave;

namespace {

/// Running statistics in f64, kept beside the tape.
struct Running {
  std::vector<double> mean, var;
  explicit Running(int c) : mean(wave(c, 5)), var(wave(c, 6)) {
    for (double& v : var) v = 1.5 + v;
  }
  BatchNormVars vars(const Var& gamma, const Var& beta) {
    const int64_t c = static_cast<int64_t>(mean.size());
    return {gamma, beta, {mean.data(), {c}, DType::f64}, {var.data(), {c}, DType::f64}};
  }
};

BatchNormOptions options(BnStats stats, BnUpdate update = BnUpdate::no) { return {.stats = stats, .update = update}; }

}  // namespace

TEST_CASE("gradient of batch_norm", "[grad]") {
  GradCheck check({{2, 2, 3, 5}, {5}, {5}, {2, 2, 3, 5}});  // x, gamma, beta, residual
  Running running(5);
  for (const BnStats stats : {BnStats::batch, BnStats::running})
    for (const Activation act : {Activation::none, Activation::relu}) {
      INFO("stats " << int(stats) << ", activation " << int(act));
      const auto bn = [&](Tape& t, const Var& x, const Var& gamma, const Var& beta, const Var& residual = {}) {
        return batch_norm(t, x, running.vars(gamma, beta), options(stats), residual, act);
      };
      check.run([&](Tape& t, const auto& p) { return bn(t, p[0], p[1], p[2]); });
      check.run([&](Tape& t, const auto& p) { return bn(t, p[0], p[1], p[2], p[3]); });
      // Behind other ops gradients are handed over instead of copied.
      check.run([&](Tape& t, const auto& p) { return scale(t, bn(t, scale(t, p[0], 2.f), p[1], p[2]), 3.f); });
      check.run([&](Tape& t, const auto& p) {
        return scale(t, bn(t, scale(t, p[0], 2.f), p[1], p[2], scale(t, p[3], -1.f)), 3.f);
      });
      // x, residual and a parameter used more than once.
      check.run([&](Tape& t, const auto& p) {
        const Var x = scale(t, p[0], 2.f);
        return add(t, bn(t, x, p[1], p[2], x), x);
      });
      check.run([&](Tape& t, const auto& p) {
        const Var x = scale(t, p[0], 2.f), r = scale(t, p[3], 2.f);
        return add(t, bn(t, bn(t, x, p[1], p[2], r), p[1], p[2], r), x);
      });
    }
}

TEST_CASE("batch_norm gradients for part of the operands agree with those for all", "[grad]") {
  GradCheck world({{2, 2, 3, 5}, {5}, {5}, {2, 2, 3, 5}});
  Running running(5);
  for (const BnStats stats : {BnStats::batch, BnStats::running})
    for (const Activation act : {Activation::none, Activation::relu})
      for (int wanted = 1; wanted < 16; ++wanted)
        for (const int with_residual : {0, 1}) {
          INFO("stats " << int(stats) << ", activation " << int(act) << ", wanted " << wanted);
          const auto gradients = [&](int mask) {
            Flat grads(world.values().store(), DType::f64, Stream{});
            Tape tape(world.engine(), Wrt::params);
            Var p[4];
            for (int i = 0; i < 4; ++i) {
              p[i] = tape.param(world.values(), i);
              if (!(mask >> i & 1)) p[i] = stop_gradient(p[i]);
            }
            const Var y =
                batch_norm(tape, p[0], running.vars(p[1], p[2]), options(stats), with_residual ? p[3] : Var{}, act);
            const Var flat = reshape(tape, scale(tape, y, 0.5f), {y.value.numel()});
            if (flat.needs_grad()) tape.backward(flat, grads);
            std::vector<std::vector<double>> out;
            for (int i = 0; i < 4; ++i) out.push_back(grads.read(i));
            return out;
          };
          const auto all = gradients(15), some = gradients(wanted);
          for (int i = 0; i < 4; ++i)
            for (size_t e = 0; e < all[i].size(); ++e)
              if (wanted >> i & 1)
                REQUIRE(some[i][e] == Approx(all[i][e]).margin(1e-12));
              else
                REQUIRE(some[i][e] == 0);
        }
}

TEST_CASE("batch_norm moves the running statistics by the formula, and only when told", "[norm]") {
  GradCheck world({{4, 2, 2, 3}, {3}, {3}});
  Running running(3), before(3);
  const auto pass = [&](BatchNormOptions o) {
    Tape tape(world.engine(), Wrt::nothing);
    const auto p = [&](int i) { return tape.param(world.values(), i); };
    batch_norm(tape, p(0), running.vars(p(1), p(2)), o);
  };
  pass({.stats = BnStats::batch, .update = BnUpdate::no});
  pass({.stats = BnStats::running, .update = BnUpdate::yes});
  CHECK(running.mean == before.mean);
  CHECK(running.var == before.var);
  const std::vector<double> x = world.values().read(0);
  for (int step = 0; step < 11; ++step) pass({.stats = BnStats::batch, .update = BnUpdate::yes, .momentum = 0.25});
  for (int c = 0; c < 3; ++c) {
    double mean = 0, m2 = 0;
    for (int r = 0; r < 16; ++r) mean += x[r * 3 + c] / 16;
    for (int r = 0; r < 16; ++r) m2 += (x[r * 3 + c] - mean) * (x[r * 3 + c] - mean);
    for (int step = 0; step < 11; ++step) {
      before.mean[c] = 0.75 * before.mean[c] + 0.25 * mean;
      before.var[c] = 0.75 * before.var[c] + 0.25 * m2 / 15;
    }
    CHECK(running.mean[c] == Approx(before.mean[c]).epsilon(1e-12));
    CHECK(running.var[c] == Approx(before.var[c]).epsilon(1e-12));
  }
}

TEST_CASE("moving the running statistics leaves output and gradient alone", "[norm]") {
  GradCheck world({{4, 2, 2, 3}, {3}, {3}});
  Running running(3);
  const auto gradient = [&](BnUpdate update) {
    Flat grads(world.values().store(), DType::f64, Stream{});
    Tape tape(world.engine(), Wrt::params);
    const auto p = [&](int i) { return tape.param(world.values(), i); };
    const Var y =
        batch_norm(tape, p(0), running.vars(p(1), p(2)), options(BnStats::batch, update), {}, Activation::relu);
    tape.backward(reshape(tape, y, {y.value.numel()}), grads);
    std::vector<double> out(y.value.as<double>(), y.value.as<double>() + y.value.numel());
    for (int i = 0; i < 3; ++i)
      for (const double g : grads.read(i)) out.push_back(g);
    return out;
  };
  CHECK(gradient(BnUpdate::no) == gradient(BnUpdate::yes));
}

TEST_CASE("batch_norm errors name the operands", "[errors]") {
  GradCheck world({{2, 3}, {3}, {4}, {1, 3}, {3, 2}});
  Running running(3);
  Tape tape(world.engine(), Wrt::nothing);
  const auto p = [&](int i) { return tape.param(world.values(), i); };
  CHECK_THROWS_WITH(batch_norm(tape, p(0), running.vars(p(1), p(2)), {}),
                    "batch_norm: x is (2, 3) f64 so beta must be (3) f64, got (4) f64");
  CHECK_THROWS_WITH(batch_norm(tape, p(1), running.vars(p(1), p(1)), {}),
                    "batch_norm: expected x (N, H, W, C) or (N, C) with at least one element, got (3)");
  CHECK_THROWS_WITH(
      batch_norm(tape, p(3), running.vars(p(1), p(1)), {}),
      "batch_norm: batch statistics need more than one value per channel, got x (1, 3); use a larger batch "
      "or running statistics");
  CHECK_THROWS_WITH(batch_norm(tape, p(0), running.vars(p(1), p(1)), {}, p(4)),
                    "batch_norm: x is (2, 3) f64 so the residual must be the same, got (3, 2) f64");
}
