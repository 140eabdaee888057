#pragma once
// Proof of a gradient: central differences in f64, on the CPU, through the reference convolutions.
#include <cmath>
#include <functional>
#include <vector>

#include "core/tape.h"
#include "tests/catch.h"

namespace temper::test {

/// Smooth, repeatable test values in about [-1, 1]; distinct for distinct `salt`.
inline std::vector<double> wave(int64_t n, int salt) {
  std::vector<double> v(n);
  for (int64_t i = 0; i < n; ++i) v[i] = std::sin(0.7 * i * (1 + 0.13 * salt) + 1.3 * salt + 0.01 * i * i);
  return v;
}

/// A little world for gradient checks: an f64 engine and parameters named p0, p1, ... of the given shapes.
class GradCheck {
 public:
  explicit GradCheck(const std::vector<Shape>& shapes, const ConvPlanning& planning = {})
      : engine_({.compute = DType::f64, .arena_mb = 256, .reference_conv = true, .planning = planning}) {
    for (size_t i = 0; i < shapes.size(); ++i) store_.add(cat("p", i), shapes[i], {});
    values_ = std::make_unique<Flat>(store_, DType::f64, Stream{});
    for (size_t i = 0; i < shapes.size(); ++i) values_->write(i, wave(shapes[i].numel(), static_cast<int>(i) + 1));
  }
  Engine& engine() { return engine_; }
  Flat& values() { return *values_; }

  /// `f` builds the function under test from the parameters; its result is reduced to a scalar with fixed weights.
  /// Checks every parameter element: |analytic - numeric| <= tolerance * max(1, |numeric|).
  void run(const std::function<Var(Tape&, const std::vector<Var>&)>& f, double tolerance = 1e-6, double h = 1e-5) {
    Flat grads(store_, DType::f64, Stream{});
    {
      Tape tape(engine_, Wrt::params);
      tape.backward(weighted(tape, f(tape, vars(tape))), grads);
    }
    for (int p = 0; p < store_.count(); ++p) {
      double* v = values_->view(p).as<double>();
      const double* g = grads.view(p).as<double>();
      for (int64_t i = 0; i < store_[p].shape.numel(); ++i) {
        const double keep = v[i];
        v[i] = keep + h;
        const double up = value(f);
        v[i] = keep - h;
        const double down = value(f);
        v[i] = keep;
        const double numeric = (up - down) / (2 * h);
        if (std::abs(numeric - g[i]) > tolerance * std::max(1.0, std::abs(numeric))) {
          FAIL_CHECK("parameter p" << p << " element " << i << ": finite difference " << numeric << ", backward "
                                   << g[i]);
          return;
        }
      }
    }
    SUCCEED();
  }

 private:
  std::vector<Var> vars(Tape& tape) {
    std::vector<Var> out;
    for (int p = 0; p < store_.count(); ++p) out.push_back(tape.param(*values_, p));
    return out;
  }
  static Var weighted(Tape& tape, const Var& y) {
    const int64_t n = y.value.numel();
    const std::vector<double> w = wave(n, 99);
    const Tensor sum = tape.alloc({1}, DType::f64);
    sum.as<double>()[0] = 0;
    for (int64_t i = 0; i < n; ++i) sum.as<double>()[0] += (w[i] + 2) * y.value.as<double>()[i];
    return tape.record("weighted", sum, {y}, [=](Tape& tape, const Tensor& dy) {
      const GradSink s = tape.sink(y);
      for (int64_t i = 0; i < n; ++i) {
        double& into = s.into.as<double>()[i];
        into = (s.beta ? into : 0) + (w[i] + 2) * dy.as<double>()[0];
      }
    });
  }
  double value(const std::function<Var(Tape&, const std::vector<Var>&)>& f) {
    values_->touch();
    Tape tape(engine_, Wrt::nothing);
    return weighted(tape, f(tape, vars(tape))).value.as<double>()[0];
  }

  Engine engine_;
  ParamStore store_;
  std::unique_ptr<Flat> values_;
};

}  // namespace temper::test
