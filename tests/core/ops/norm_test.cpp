#include "core/ops/norm.h"

#include "core/ops/elementwise.h"
#include "tests/fixtures/devices.h"
#include "tests/fixtures/gradcheck.h"

using namespace temper;
using test::GradCheck;
using test::GradWorld;
using test::tensor_of;
using test::wave;

namespace {

/// Running statistics of c channels, in an engine's arena.
struct Running {
  Engine& engine;
  Tensor mean, var;
  Running(Engine& engine, int c)
      : engine(engine), mean(tensor_of(engine, {c}, wave(c, 5))), var(tensor_of(engine, {c}, positive(c))) {}
  static std::vector<double> positive(int c) {
    std::vector<double> v = wave(c, 6);
    for (double& x : v) x += 1.5;
    return v;
  }
  BatchNormVars vars(const Var& gamma, const Var& beta) const { return {gamma, beta, mean, var}; }
  std::vector<double> means() const { return test::numbers_of(engine, mean); }
  std::vector<double> variances() const { return test::numbers_of(engine, var); }
};

/// The type a world computes in: what its device proves most with.
EngineOptions most_precise(Device device) {
  if (device == Device::cuda) return {.device = device, .arena_mb = 64};
  return {.compute = DType::f64, .arena_mb = 64, .reference_conv = true};
}

BatchNormOptions options(BnStats stats, BnUpdate update = BnUpdate::no) { return {.stats = stats, .update = update}; }

}  // namespace

TEMPER_DEVICE_TEST("gradient of batch_norm", "[ops][grad]") {
  GradCheck check({{2, 2, 3, 5}, {5}, {5}, {2, 2, 3, 5}}, device);  // x, gamma, beta, residual
  for (const BnStats stats : {BnStats::batch, BnStats::running})
    for (const Activation act : {Activation::none, Activation::relu}) {
      INFO("stats " << int(stats) << ", activation " << int(act));
      const auto bn = [&](Tape& t, const Var& x, const Var& gamma, const Var& beta, const Var& residual = {}) {
        return batch_norm(t, x, Running(t.engine(), 5).vars(gamma, beta), options(stats), residual, act);
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

TEMPER_DEVICE_TEST("batch_norm gradients for part of the operands agree with those for all", "[ops][grad]") {
  GradWorld world(most_precise(device), {{2, 2, 3, 5}, {5}, {5}, {2, 2, 3, 5}});
  const Running running(world.engine(), 5);
  const double margin = device == Device::cpu ? 1e-12 : 1e-5;
  for (const BnStats stats : {BnStats::batch, BnStats::running})
    for (const Activation act : {Activation::none, Activation::relu})
      for (int wanted = 1; wanted < 16; ++wanted)
        for (const int with_residual : {0, 1}) {
          INFO("stats " << int(stats) << ", activation " << int(act) << ", wanted " << wanted);
          const auto gradients = [&](int mask) {
            ParamBuffer grads = world.make_gradients();
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
                REQUIRE(some[i][e] == Approx(all[i][e]).margin(margin));
              else
                REQUIRE(some[i][e] == 0);
        }
}

TEMPER_DEVICE_TEST("batch_norm moves the running statistics by the formula, and only when told", "[ops][norm]") {
  GradWorld world(most_precise(device), {{4, 2, 2, 3}, {3}, {3}});
  const Running running(world.engine(), 3);
  std::vector<double> mean_before = running.means(), var_before = running.variances();
  const auto pass = [&](BatchNormOptions o) {
    Tape tape(world.engine(), Wrt::nothing);
    const auto p = [&](int i) { return tape.param(world.values(), i); };
    batch_norm(tape, p(0), running.vars(p(1), p(2)), o);
  };
  pass({.stats = BnStats::batch, .update = BnUpdate::no});
  pass({.stats = BnStats::running, .update = BnUpdate::yes});
  CHECK(running.means() == mean_before);
  CHECK(running.variances() == var_before);
  const std::vector<double> x = world.values().read(0);
  for (int step = 0; step < 11; ++step) pass({.stats = BnStats::batch, .update = BnUpdate::yes, .momentum = 0.25});
  for (int c = 0; c < 3; ++c) {
    double mean = 0, m2 = 0;
    for (int r = 0; r < 16; ++r) mean += x[r * 3 + c] / 16;
    for (int r = 0; r < 16; ++r) m2 += (x[r * 3 + c] - mean) * (x[r * 3 + c] - mean);
    for (int step = 0; step < 11; ++step) {
      mean_before[c] = 0.75 * mean_before[c] + 0.25 * mean;
      var_before[c] = 0.75 * var_before[c] + 0.25 * m2 / 15;
    }
    CHECK(running.means()[c] == Approx(mean_before[c]).epsilon(device == Device::cpu ? 1e-12 : 1e-5));
    CHECK(running.variances()[c] == Approx(var_before[c]).epsilon(device == Device::cpu ? 1e-12 : 1e-5));
  }
}

TEMPER_DEVICE_TEST("moving the running statistics leaves output and gradient alone", "[ops][norm]") {
  GradWorld world(most_precise(device), {{4, 2, 2, 3}, {3}, {3}});
  const Running running(world.engine(), 3);
  const auto gradient = [&](BnUpdate update) {
    ParamBuffer grads = world.make_gradients();
    Tape tape(world.engine(), Wrt::params);
    const auto p = [&](int i) { return tape.param(world.values(), i); };
    const Var y =
        batch_norm(tape, p(0), running.vars(p(1), p(2)), options(BnStats::batch, update), {}, Activation::relu);
    tape.backward(reshape(tape, y, {y.value.numel()}), grads);
    std::vector<double> out = test::numbers_of(world.engine(), y.value);
    for (int i = 0; i < 3; ++i)
      for (const double g : grads.read(i)) out.push_back(g);
    return out;
  };
  CHECK(gradient(BnUpdate::no) == gradient(BnUpdate::yes));
}

TEST_CASE("batch_norm errors name the operands", "[errors]") {
  GradCheck world({{2, 3}, {3}, {4}, {1, 3}, {3, 2}});
  const Running running(world.engine(), 3);
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
