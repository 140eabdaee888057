#pragma once
// Proof of a gradient: central differences in f64, on the CPU, through the reference convolutions; then the same
// function in f32 on the device that a test is for.
#include <cmath>
#include <functional>
#include <memory>
#include <vector>

#include "core/tape.h"
#include "tests/catch.h"
#include "tests/tensors.h"

namespace temper::test {

/// Smooth, repeatable test values in about [-1, 1]; distinct for distinct `salt`.
inline std::vector<double> wave(int64_t n, int salt) {
  std::vector<double> v(n);
  for (int64_t i = 0; i < n; ++i) v[i] = std::sin(0.7 * i * (1 + 0.13 * salt) + 1.3 * salt + 0.01 * i * i);
  return v;
}

/// An engine and parameters named p0, p1, ... of the given shapes, with the same numbers on every device.
class GradWorld {
 public:
  GradWorld(const EngineOptions& options, const std::vector<Shape>& shapes) : engine_(options) {
    for (size_t i = 0; i < shapes.size(); ++i) store_.add(cat("p", i), shapes[i], {});
    values_ = std::make_unique<Flat>(store_, full_type(engine_), engine_.stream());
    for (int i = 0; i < store_.count(); ++i) {
      std::vector<double> v = wave(store_[i].shape.numel(), i + 1);
      for (double& x : v) x = static_cast<float>(x);
      values_->write(i, v);
    }
  }
  Engine& engine() { return engine_; }
  Flat& values() { return *values_; }
  const ParamStore& store() const { return store_; }
  Flat make_gradients() { return Flat(store_, values_->dtype(), engine_.stream()); }
  std::vector<Var> vars(Tape& tape) {
    std::vector<Var> out;
    for (int p = 0; p < store_.count(); ++p) out.push_back(tape.param(*values_, p));
    return out;
  }

 private:
  Engine engine_;
  ParamStore store_;
  std::unique_ptr<Flat> values_;
};

/// A little world for gradient checks. engine() and values() are of the f64 half.
class GradCheck {
 public:
  using Function = std::function<Var(Tape&, const std::vector<Var>&)>;

  explicit GradCheck(const std::vector<Shape>& shapes, Device device = Device::cpu, const ConvPlanning& planning = {})
      : proof_({.compute = DType::f64, .arena_mb = 256, .reference_conv = true, .planning = planning}, shapes),
        f32_({.device = device, .arena_mb = 64, .planning = planning}, shapes) {}
  Engine& engine() { return proof_.engine(); }
  Flat& values() { return proof_.values(); }

  /// `f` builds the function under test from the parameters, with constants on its tape's engine; its result is reduced
  /// to a scalar with fixed weights. Checks every parameter element: |analytic - numeric| <= tolerance *
  /// max(1, |numeric|), then |f32 - analytic| <= 1e-4 of the largest of its parameter, or of 1.
  void run(const Function& f, double tolerance = 1e-6, double h = 1e-5) {
    const std::vector<std::vector<double>> want = gradients(proof_, f);
    if (f32_.engine().device() == Device::cpu) differentiate(f, want, tolerance, h);
    const std::vector<std::vector<double>> got = gradients(f32_, f);
    for (size_t p = 0; p < want.size(); ++p) {
      double scale = 1;
      for (const double v : want[p]) scale = std::max(scale, std::abs(v));
      for (size_t i = 0; i < want[p].size(); ++i)
        if (!(std::abs(got[p][i] - want[p][i]) <= 1e-4 * scale)) {
          FAIL_CHECK("parameter p" << p << " element " << i << ": backward in f64 " << want[p][i] << ", in f32 on "
                                   << f32_.engine().device() << " " << got[p][i]);
          return;
        }
    }
    SUCCEED();
  }

 private:
  /// Finite differences against the gradient of the f64 half. On the CPU: its parameters are changed in place.
  void differentiate(const Function& f, const std::vector<std::vector<double>>& analytic, double tolerance, double h) {
    for (int p = 0; p < proof_.store().count(); ++p) {
      double* v = values().view(p).as<double>();
      for (int64_t i = 0; i < proof_.store()[p].shape.numel(); ++i) {
        const double keep = v[i];
        v[i] = keep + h;
        const double up = value(f);
        v[i] = keep - h;
        const double down = value(f);
        v[i] = keep;
        const double numeric = (up - down) / (2 * h);
        if (std::abs(numeric - analytic[p][i]) > tolerance * std::max(1.0, std::abs(numeric))) {
          FAIL_CHECK("parameter p" << p << " element " << i << ": finite difference " << numeric << ", backward "
                                   << analytic[p][i]);
          return;
        }
      }
    }
    values().touch();
  }
  static std::vector<std::vector<double>> gradients(GradWorld& world, const Function& f) {
    Flat grads = world.make_gradients();
    {
      Tape tape(world.engine(), Wrt::params);
      tape.backward(weighted(tape, f(tape, world.vars(tape))), grads);
    }
    std::vector<std::vector<double>> out;
    for (int p = 0; p < world.store().count(); ++p) out.push_back(grads.read(p));
    return out;
  }
  static Var weighted(Tape& tape, const Var& y) {
    const int64_t n = y.value.numel();
    std::vector<double> w = wave(n, 99);
    for (double& v : w) v += 2;
    const std::vector<double> values = numbers_of(tape.engine(), y.value);
    double sum = 0;
    for (int64_t i = 0; i < n; ++i) sum += w[i] * values[i];
    return tape.record("weighted", tensor_of(tape.engine(), {1}, {sum}), {y}, [=](Tape& tape, const Tensor& dy) {
      const GradSink s = tape.sink(y);
      const double by = numbers_of(tape.engine(), dy)[0];
      std::vector<double> into = s.beta ? numbers_of(tape.engine(), s.into) : std::vector<double>(n);
      for (int64_t i = 0; i < n; ++i) into[i] += w[i] * by;
      write_numbers(tape.engine(), s.into, into);
    });
  }
  double value(const Function& f) {
    values().touch();
    Tape tape(engine(), Wrt::nothing);
    return numbers_of(engine(), weighted(tape, f(tape, proof_.vars(tape))).value)[0];
  }

  GradWorld proof_, f32_;
};

}  // namespace temper::test
