#include "trainers/optimizers/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <string>
#include <vector>

namespace temper {

namespace {

// The share of the run behind us: per epoch (0 during the first one) or per iteration (this step not yet counted).
enum class Clock : uint8_t { epoch, iteration };

double progress(Clock clock, const Position& at) {
  const double done = static_cast<double>(at.epoch - 1);
  const double within =
      clock == Clock::epoch ? 0 : static_cast<double>(at.step) / static_cast<double>(at.steps_per_epoch);
  return (done + within) / static_cast<double>(at.epochs);
}

constexpr Limits kRate = Limits::at_least(0).usually(0, 10);

void check_pairs(Fields& f, const char* at, size_t n, const char* values, size_t m) {
  if (n == 0 || n != m)
    f.reject(values, "expected as many values as ", at, " has entries, at least one, got ", m, " for ", n);
}

/// Epochs from which something is to change, of which some never come.
void check_reached(const Fields& f, const char* key, const std::vector<int>& starts, int64_t epochs) {
  for (const int start : starts)
    if (start > epochs) return f.warn(key, "epoch ", start, " never comes, because loop.epochs is ", epochs);
}

template <class T>
void check_rising(Fields& f, const char* key, const std::vector<T>& v) {
  if (!std::is_sorted(v.begin(), v.end())) f.reject(key, "expected rising values, got ", v.front(), " ... ", v.back());
}

struct Constant : Schedule {
  double rate(double base, const Position&) const override { return base; }
};

/// base * factor^k, k being how many milestones the 1-based epoch has reached: TRADES drops in epoch 75 (of 76), so its
/// milestone is 75; a scheduler stepped after epoch 100 drops in epoch 101.
struct Steps : Schedule {
  std::vector<int> milestones = {75, 90, 100};
  double factor = 0.1;
  void fields(Fields& f) override {
    f("milestones", milestones, Limits::at_least(1), "epochs (1-based) from which on the rate is lower");
    f("factor", factor, Limits::above(0).usually(1e-4, 1), "factor on the rate at each milestone");
    check_rising(f, "milestones", milestones);
  }
  void check(const Fields& f, int64_t run) const override { check_reached(f, "milestones", milestones, run); }
  double rate(double base, const Position& at) const override {
    for (const int m : milestones)
      if (at.epoch >= m) base *= factor;
    return base;
  }
};

/// Absolute rates from given epochs on. ARAT's and LBGAT's code constructs its scheduler at 0.02 and steps it after
/// each epoch, so what runs is epochs [1, 2, 77, 92], rates [0.02, 0.1, 0.01, 0.001].
struct Piecewise : Schedule {
  std::vector<int> epochs = {1, 2, 77, 92};
  std::vector<double> rates = {0.02, 0.1, 0.01, 0.001};
  void fields(Fields& f) override {
    f("epochs", epochs, Limits::at_least(1), "first epochs (1-based) of the rates below; the first must be 1");
    f("rates", rates, kRate, "learning rates; optimizer.lr is not used");
    check_pairs(f, "epochs", epochs.size(), "rates", rates.size());
    check_rising(f, "epochs", epochs);
    if (epochs.front() != 1) f.reject("epochs", "expected 1 as the first entry, got ", epochs.front());
  }
  void check(const Fields& f, int64_t run) const override { check_reached(f, "epochs", epochs, run); }
  double rate(double, const Position& at) const override {
    size_t i = 0;
    while (i + 1 < epochs.size() && at.epoch >= epochs[i + 1]) ++i;
    return rates[i];
  }
};

/// Per iteration, at shares of the run: `hold` keeps factors[i] until the share at[i] is reached, `linear` interpolates
/// between points (at[i], factors[i]).
/// Rice's code gives every step the rate of its end, t = (steps before it + 1) / all steps, and drops where t >= 0.5,
/// so the very last step of the first half already runs at the lower rate.
struct Fractions : Schedule {
  enum class Between : uint8_t { hold, linear };
  std::vector<double> at = {0, 0.5, 0.75}, factors = {1, 0.1, 0.01};
  Between between = Between::hold;
  void fields(Fields& f) override {
    f("at", at, Limits::between(0, 1), "shares of the run, 0 to 1, rising");
    f("factors", factors, Limits::at_least(0).usually(0, 10), "factors on optimizer.lr from there on");
    f.choice("between", between, {{"hold", Between::hold}, {"linear", Between::linear}},
             "what happens between two points");
    check_pairs(f, "at", at.size(), "factors", factors.size());
    check_rising(f, "at", at);
  }
  double rate(double base, const Position& p) const override {
    // In steps, with room for rounding: a share such as 1/2 must be met by the step that reaches it.
    const double all = static_cast<double>(p.epochs * p.steps_per_epoch);
    const double done = static_cast<double>((p.epoch - 1) * p.steps_per_epoch + p.step + 1);
    size_t i = 0;
    while (i + 1 < at.size() && done >= at[i + 1] * all - 1e-6) ++i;
    if (between == Between::hold || i + 1 == at.size()) return base * factors[i];
    const double u = std::max(0.0, (done / all - at[i]) / (at[i + 1] - at[i]));
    return base * (factors[i] + u * (factors[i + 1] - factors[i]));
  }
};

/// Half a cosine from base to `last` after a linear warm-up (Loshchilov & Hutter 2017).
struct Cosine : Schedule {
  double last = 0, warm_up = 0;
  Clock clock = Clock::iteration;
  void fields(Fields& f) override {
    f("last", last, kRate, "rate at the end");
    f("warm_up", warm_up, Limits::at_least(0), "epochs of linear rise at the start");
    f.choice("per", clock, {{"epoch", Clock::epoch}, {"iteration", Clock::iteration}}, "when the rate changes");
  }
  void check(const Fields& f, int64_t run) const override {
    if (warm_up >= static_cast<double>(run))
      f.warn("warm_up", "the rate rises to the end, because loop.epochs is ", run, " and the warm-up takes ", warm_up);
  }
  double rate(double base, const Position& at) const override {
    const double t = progress(clock, at), w = warm_up / static_cast<double>(at.epochs);
    if (t < w) {
      const double one = clock == Clock::epoch ? 1.0 : 1.0 / static_cast<double>(at.steps_per_epoch);
      return base * std::min(1.0, (t * static_cast<double>(at.epochs) + one) / warm_up);
    }
    return last + (base - last) * 0.5 * (1 + std::cos(std::numbers::pi * (t - w) / (1 - w)));
  }
};

/// Up from base / div to base, then down to base / (div * final_div), both along half cosines: PyTorch's OneCycleLR
/// (Smith & Topin 2017), whose total_steps are the run's iterations, or its epochs.
struct OneCycle : Schedule {
  double rise = 0.3, div = 25, final_div = 1e4;
  Clock clock = Clock::iteration;
  void fields(Fields& f) override {
    f("rise", rise, Limits::above(0).below(1), "share of the run with a rising rate");
    f("div", div, Limits::above(0).usually(1, 1e4), "the first rate is optimizer.lr / div");
    f("final_div", final_div, Limits::above(0).usually(1, 1e8), "the last rate is the first rate / final_div");
    f.choice("per", clock, {{"epoch", Clock::epoch}, {"iteration", Clock::iteration}}, "when the rate changes");
  }
  double rate(double base, const Position& at) const override {
    const bool iterations = clock == Clock::iteration;
    const double total = static_cast<double>(iterations ? at.epochs * at.steps_per_epoch : at.epochs);
    const double now = static_cast<double>(iterations ? (at.epoch - 1) * at.steps_per_epoch + at.step : at.epoch - 1);
    const double first = base / div, peak = rise * total - 1, end = total - 1;
    const auto half_cosine = [](double from, double to, double u) {
      return to + (from - to) * 0.5 * (1 + std::cos(std::numbers::pi * std::clamp(u, 0.0, 1.0)));
    };
    if (now <= peak) return half_cosine(first, base, peak > 0 ? now / peak : 1);
    return half_cosine(base, first / final_div, end > peak ? (now - peak) / (end - peak) : 1);
  }
};

/// From 0 to base and back to 0 along two straight lines, per iteration. zero: first is PyTorch's CyclicLR with base_lr
/// 0, stepped after every iteration (Wong et al. 2020); last computes the rate at the end of each step (Andriushchenko
/// & Flammarion 2020).
struct Triangle : Schedule {
  enum class Zero : uint8_t { first, last };
  double rise = 0.5;
  Zero zero = Zero::first;
  void fields(Fields& f) override {
    f("rise", rise, Limits::above(0).below(1), "share of the run with a rising rate");
    f.choice("zero", zero, {{"first", Zero::first}, {"last", Zero::last}}, "the step whose rate is 0");
  }
  double rate(double base, const Position& at) const override {
    const double total = static_cast<double>(at.epochs * at.steps_per_epoch), peak = rise * total;
    const double now =
        static_cast<double>((at.epoch - 1) * at.steps_per_epoch + at.step) + (zero == Zero::last ? 1 : 0);
    return base * (now <= peak ? now / peak : (total - now) / (total - peak));
  }
};

TEMPER_REGISTER(Schedule, Constant, "constant", "optimizer.lr throughout");
TEMPER_REGISTER(Schedule, Steps, "steps", "optimizer.lr times a factor for each milestone passed");
TEMPER_REGISTER(Schedule, Piecewise, "piecewise", "absolute rates from given epochs on");
TEMPER_REGISTER(Schedule, Fractions, "fractions", "factors at shares of the run, per iteration (Rice et al.)");
TEMPER_REGISTER(Schedule, Cosine, "cosine", "half a cosine after a linear warm-up");
TEMPER_REGISTER(Schedule, Triangle, "triangle", "from 0 to optimizer.lr and back to 0 (PyTorch's CyclicLR)");
TEMPER_REGISTER(Schedule, OneCycle, "one_cycle", "up and down once (PyTorch's OneCycleLR)");

}  // namespace

}  // namespace temper
