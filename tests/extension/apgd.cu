// Auto-PGD in L-infinity (Croce & Hein 2020): the step of each sample halves where its loss has stopped rising, and the
// attack goes back to that sample's best point. One file: three kernels, a loss, a policy, and the attack itself.
#include <algorithm>
#include <cmath>
#include <string>

#include "attacks/driver.h"
#include "core/ops/elementwise.h"
#include "core/ops/per_sample_loss.h"
#include "kernels/row_move/row_move.h"
#include "kernels/runtime/memory.h"
#include "kernels/runtime/row.h"

namespace {
using namespace temper;

template <class T>
TEMPER_HD T clipped(T v, T lo, T hi) {
  return v < lo ? lo : v > hi ? hi : v;
}

/// x = clip(clean + radius * u / max |u|) with u uniform in (-1, 1): a pixel at least is at the border of the ball.
template <class T>
struct Start {
  T* x;
  const T* clean;
  const int32_t* ids;
  RngKey key;
  T radius;
  TEMPER_HD void operator()(const Row& row) const {
    const RngKey now = key.now();
    const uint32_t id = static_cast<uint32_t>(ids[row.index]);
    const auto u = [&](int c) { return 2 * random_uniform(now, id, static_cast<uint32_t>(c)) - 1; };
    const float most = row.max([&](int c) { return u(c) < 0 ? -u(c) : u(c); });
    row.each([&](int c) { x[row.at(c)] = clipped(clean[row.at(c)] + radius * T(u(c) / most), T(0), T(1)); });
  }
};

/// t = P(x + step * sign(grad));  x, before = P(x + share * (t - x) + (1 - share) * (x - before)), x with P into the
/// ball around `clean` and into [0, 1].
template <class T>
struct Move {
  T *x, *before;
  const T *grad, *clean, *step;
  T radius, share;
  TEMPER_HD void operator()(const Row& row) const {
    const T length = step[row.index];
    row.each(
        [&](int, T& x, T& before, T g, T c) {
          const auto inside = [&](T v) { return clipped(clipped(v, c - radius, c + radius), T(0), T(1)); };
          const T t = inside(x + length * T((g > 0) - (g < 0)));
          const T moved = inside(x + (t - x) * share + (x - before) * (1 - share));
          before = x;
          x = moved;
        },
        x + row.at(0), before + row.at(0), grad + row.at(0), clean + row.at(0));
  }
};

/// What is kept of each sample between steps.
template <class T>
struct Progress {
  T *step, *previous, *best, *best_before;  ///< best_before: at the checkpoint before
  int32_t *rises, *better, *halved;         ///< better: this point is the best so far

  TEMPER_HD void begin(int64_t i, T loss, T radius) const {
    step[i] = 2 * radius;
    previous[i] = 0;  // as in the official code, which compares the first loss with the end of an empty history
    best[i] = best_before[i] = loss;
    rises[i] = 0;
    better[i] = halved[i] = 1;
  }
  TEMPER_HD void note(int64_t i, T loss) const {
    rises[i] += loss > previous[i];
    previous[i] = loss;
    better[i] = loss > best[i];
    if (better[i]) best[i] = loss;
  }
  TEMPER_HD void check(int64_t i, T enough) const {
    const bool few = T(rises[i]) <= enough, stuck = !halved[i] && best_before[i] >= best[i];
    halved[i] = few || stuck;
    if (halved[i]) step[i] /= 2;
    best_before[i] = best[i];
    rises[i] = 0;
  }
};

/// A sample's progress after the evaluation before step `at`; `enough`: rises at a checkpoint that keep its step, or
/// negative: this is none.
template <class T>
struct Advance {
  Progress<T> progress;
  int at;
  T radius, enough;
  TEMPER_HD void operator()(int64_t i, T loss) const {
    if (at == 0) return progress.begin(i, loss, radius);
    progress.note(i, loss);
    if (enough >= 0) progress.check(i, enough);
  }
};

/// The difference of logits ratio -(z_y - z_o) / (z_(1) - z_(3)), o the largest other class; towards a target t, -(z_y
/// - z_t) / (z_(1) - (z_(3) + z_(4)) / 2). z_(i): the i-th largest logit.
template <class T>
struct LogitRatio {
  LossArrays<T> a;
  const int32_t *labels, *targets;
  /// A logit that is not finite has no rank.
  TEMPER_HD void not_finite(const Row& row, int c) const {
    a.loss[row.index] = T(NAN);
    if (a.gradient[0]) a.gradient[0][row.at(c)] = T(NAN);
  }
  TEMPER_HD void operator()(const Row& row) const {
    const T* z = a.value[0] + row.at(0);
    int top[4] = {-1, -1, -1, -1};
    for (int rank = 0; rank < (targets ? 4 : 3); ++rank) {
      const auto taken = [&](int c) { return c == top[0] || c == top[1] || c == top[2]; };
      const T most = row.max([&](int c) { return taken(c) ? T(-INFINITY) : z[c]; });
      const int from_end = row.max([&](int c) { return !taken(c) && z[c] == most ? row.size - c : 0; });
      if (from_end == 0) return row.each([&](int c) { not_finite(row, c); });
      top[rank] = row.size - from_end;
    }
    const int y = labels[row.index], other = targets ? targets[row.index] : top[0] == y ? top[1] : top[0];
    const T low = targets ? (z[top[2]] + z[top[3]]) / 2 : z[top[2]];
    const T up = z[other] - z[y], spread = z[top[0]] - low + T(1e-12), slope = up / spread / spread;
    row.once([&] { a.loss[row.index] = up / spread; });
    if (!a.gradient[0]) return;
    row.each([&](int c) {
      T g = T(c == other) / spread - T(c == y) / spread - T(c == top[0]) * slope;
      g += targets ? (T(c == top[2]) + T(c == top[3])) / 2 * slope : T(c == top[2]) * slope;
      a.gradient[0][row.at(c)] = g;
    });
  }
};

Var logit_ratio(Tape& tape, const Var& logits, const Batch& batch) {
  const int64_t least = batch.targets ? 4 : 3;
  check_logits("apgd", logits.value);
  TEMPER_CHECK(logits.value.shape[1] >= least, "apgd: expected at least ", least,
               " classes because loss: dlr compares so many logits, got ", logits.value.shape[1], "; set loss: ce");
  return per_sample_loss(tape, "logit_ratio", Reduction::none, {logits}, [&]<class T>(const LossArrays<T>& a) {
    for_each_row(tape.stream(), a.rows, a.cols,
                 LogitRatio<T>{a, batch.labels.as<const int32_t>(), batch.targets.as<const int32_t>()});
  });
}

struct ApgdOptions {
  enum class Loss : uint8_t { ce, dlr };
  enum class From : uint8_t { random, clean };
  double radius = 8.0 / 255, rho = 0.75;
  int steps = 100, restarts = 1;
  Loss loss = Loss::ce;
  From from = From::random;
  Kept kept = Kept::any_success;
};

class ApgdSteps : public StepPolicy {
 public:
  ApgdSteps(const ApgdOptions& options, const AttackCall& part)
      : options_(options), part_(part), stream_(part.engine.stream()) {
    Arena& arena = part.engine.arena();
    const Tensor& clean = part.batch.images;
    for (Tensor* t : {&before_, &best_, &best_gradient_}) *t = arena.tensor(clean.shape, clean.dtype);
    for (Tensor& t : numbers_) t = arena.tensor({rows()}, clean.dtype);
    for (Tensor& t : flags_) t = arena.tensor({rows()}, DType::i32);
  }

  void start(const Tensor& x, int run) override {
    next_ = window_ = std::max(static_cast<int>(0.22 * options_.steps), 1);
    const Tensor& clean = part_.batch.images;
    if (options_.from == ApgdOptions::From::clean)
      return copy(stream_, x.data, x.device, clean.data, clean.device, clean.bytes());
    dispatch_full(x.dtype, [&](auto tag) {
      using T = decltype(tag);
      for_each_row(stream_, rows(), cols(),
                   Start<T>{x.as<T>(), clean.as<const T>(), part_.batch.ids.as<const int32_t>(), part_.random.key(run),
                            T(options_.radius)});
    });
  }

  // [steps]
  void step(const AttackPoint& at) override {
    dispatch_full(at.images.dtype, [&](auto tag) {
      using T = decltype(tag);
      const bool first = at.step == 0, checks = at.step == next_;
      const Progress<T> p{numbers_[0].as<T>(),     numbers_[1].as<T>(),     numbers_[2].as<T>(),    numbers_[3].as<T>(),
                          flags_[0].as<int32_t>(), flags_[1].as<int32_t>(), flags_[2].as<int32_t>()};
      T *x = at.images.as<T>(), *before = before_.as<T>(), *best = best_.as<T>(), *g = at.gradient.as<T>(),
        *best_g = best_gradient_.as<T>();
      map(stream_, rows(), Advance<T>{p, at.step, T(options_.radius), checks ? T(options_.rho * window_) : T(-1)},
          at.loss.as<const T>());
      const auto rows_where = [&](T* to, const T* from, const int32_t* which) {
        copy_rows_where(stream_, rows(), cols(), to, from, which);
      };
      if (first) rows_where(before, x, p.better);  // all of them
      rows_where(best, x, p.better);
      rows_where(best_g, g, p.better);
      if (checks) {  // back to the best point, but with the way that led here
        rows_where(x, best, p.halved);
        rows_where(g, best_g, p.halved);
        window_ = std::max(window_ - std::max(static_cast<int>(0.03 * options_.steps), 1),
                           std::max(static_cast<int>(0.06 * options_.steps), 1));
        next_ += window_;
      }
      for_each_row(
          stream_, rows(), cols(),
          Move<T>{x, before, g, part_.batch.images.as<const T>(), p.step, T(options_.radius), first ? T(1) : T(0.75)});
    });
  }
  // [steps]

 private:
  int64_t rows() const { return part_.batch.size(); }
  int cols() const { return static_cast<int>(part_.batch.images.numel() / rows()); }

  const ApgdOptions& options_;
  const AttackCall& part_;
  Stream stream_;
  int next_ = 0, window_ = 0;  ///< the next checkpoint, and how many steps it judges
  Tensor before_, best_, best_gradient_, numbers_[4], flags_[3];
};

struct Apgd : Attack, ApgdOptions {
  void fields(Fields& f) override {
    f("radius", radius, Limits::between(0, 1), "eps, in [0, 1] pixel units");
    f("steps", steps, Limits::between(1, 1e6).usually(1, 1000), "steps of one run");
    f("restarts", restarts, Limits::between(1, 1e6).usually(1, 100), "independent runs");
    f("rho", rho, Limits::between(0, 1), "share of steps that have to raise the loss, or the step halves");
    f.choice("loss", loss, {{"ce", Loss::ce}, {"dlr", Loss::dlr}}, "cross entropy, or the difference of logits ratio");
    f.choice("from", from, {{"random", From::random}, {"clean", From::clean}}, "where a run begins");
    f.choice("return", kept, {{"any_success", Kept::any_success}, {"best_loss", Kept::best_loss}},
             "which point of a run is returned for each sample");
  }
  std::string describe() const override {
    return cat("APGD-", loss == Loss::ce ? "CE" : "DLR", " Linf: radius ", std::to_string(radius), ", ", steps,
               " steps, rho ", number_text(rho), ", ", restarts, restarts == 1 ? " run" : " runs", " from ",
               from == From::random ? "a random start" : "the image", ", returns ",
               kept == Kept::any_success ? "any_success" : "best_loss");
  }
  AttackResult run(const AttackCall& call) const override {
    const Objective objective = [this](Tape& tape, const AttackView& at) {
      const Tensor& targets = at.batch.targets;
      if (loss == Loss::dlr) return logit_ratio(tape, at.logits, at.batch);
      if (targets) return scale(tape, cross_entropy(tape, at.logits, targets, Reduction::none), -1.f);
      return cross_entropy(tape, at.logits, at.batch.labels, Reduction::none);
    };
    const AttackDrive how{.name = "apgd", .runs = restarts, .steps = steps, .offered = Offered::every, .kept = kept};
    return drive(call, objective, how,
                 [this](const AttackCall& part, const BatchRows&) { return std::make_unique<ApgdSteps>(*this, part); });
  }
};

TEMPER_REGISTER(Attack, Apgd, "apgd", "Auto-PGD in L-infinity, steps that halve by themselves (Croce & Hein 2020)");

}  // namespace
