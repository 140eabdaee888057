#include "attacks/pgd.h"

#include <limits>

#include "kernels/argmax/argmax.h"
#include "kernels/fill/fill.h"
#include "kernels/keep_better/keep_better.h"
#include "kernels/misclassified/misclassified.h"
#include "kernels/pgd_start/pgd_start.h"
#include "kernels/pgd_step/pgd_step.h"
#include "kernels/runtime/memory.h"

namespace temper {

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// One call of an attack: its buffers, and the kernels with their types filled in.
class Climb {
 public:
  Climb(Engine& engine, const PgdOptions& options, double step_size, const Batch& batch)
      : engine_(engine),
        options_(options),
        step_size_(step_size),
        batch_(batch),
        cols_(static_cast<int>(batch.images.numel() / batch.images.shape[0])) {}

  void start(const Tensor& x, uint32_t draw, uint32_t restart) const {
    const Tensor& clean = batch_.images;
    if (options_.start == PgdOptions::Start::none)
      return copy(stream(), x.data, x.device, clean.data, clean.device, clean.bytes());
    const bool gauss = options_.start == PgdOptions::Start::gauss001;
    const bool clipped = options_.start == PgdOptions::Start::uniform;
    const NoiseStart noise{.noise = gauss                         ? Noise::normal
                                    : options_.norm == Norm::linf ? Noise::uniform
                                                                  : Noise::l2_direction,
                           .key = {.seed = engine_.seed(), .purpose = Purpose::attack, .step = draw, .lane = restart},
                           .scale = gauss ? 0.001 : options_.radius,
                           .lo = clipped ? 0 : -kInfinity,
                           .hi = clipped ? 1 : kInfinity};
    dispatch_full(x.dtype, [&](auto tag) {
      using T = decltype(tag);
      pgd_start(stream(), rows(), cols_, x.as<T>(), clean.as<const T>(), batch_.ids.as<const int32_t>(), noise);
    });
  }

  /// One step of x along the gradient, or along `m` after adding the gradient to it.
  void ascend(const Tensor& x, const Tensor& gradient, const Tensor& m) const {
    const PgdStep p{.radius = options_.radius, .step = step_size_};
    dispatch_full(x.dtype, [&](auto tag) {
      using T = decltype(tag);
      if (m) accumulate_momentum(stream(), rows(), cols_, m.as<T>(), gradient.as<const T>(), options_.momentum);
      const T *direction = (m ? m : gradient).template as<const T>(), *clean = batch_.images.as<const T>();
      if (options_.norm == Norm::linf)
        pgd_step_linf(stream(), x.numel(), x.as<T>(), direction, clean, p);
      else
        pgd_step_l2(stream(), rows(), cols_, x.as<T>(), direction, clean, p);
    });
  }

  /// Puts x's samples into `best` where their score is at least the best so far.
  void keep(Tape& tape, const Tensor& x, const Tensor& logits, const Tensor& loss, const Tensor& best,
            const Tensor& best_score) const {
    const bool by_success = options_.returns == PgdOptions::Return::last
                                ? options_.restart_rule == PgdOptions::RestartRule::any_success
                                : options_.returns == PgdOptions::Return::any_success;
    dispatch_full(x.dtype, [&](auto tag) {
      using T = decltype(tag);
      const T* score = loss.as<const T>();
      if (by_success) {
        const Tensor predicted = tape.alloc({rows()}, DType::i32), success = tape.alloc({rows()}, x.dtype);
        argmax(stream(), rows(), static_cast<int>(logits.shape[1]), predicted.as<int32_t>(), logits.as<const T>());
        misclassified(stream(), rows(), success.as<T>(), predicted.as<const int32_t>(),
                      batch_.labels.as<const int32_t>());
        score = success.as<const T>();
      }
      keep_better(stream(), rows(), cols_, best.as<T>(), best_score.as<T>(), x.as<const T>(), score);
    });
  }

 private:
  Stream stream() const { return engine_.stream(); }
  int64_t rows() const { return batch_.images.shape[0]; }

  Engine& engine_;
  const PgdOptions& options_;
  double step_size_;
  const Batch& batch_;
  int cols_;
};

void check_batch(const Batch& batch) {
  const Shape& shape = batch.images.shape;
  TEMPER_CHECK(shape.rank() >= 2 && batch.images.numel() > 0, "pgd: expected images (N, ...), got ", shape);
  for (const auto& [name, t] : {std::pair{"labels", &batch.labels}, {"ids", &batch.ids}})
    TEMPER_CHECK(t->shape == Shape{shape[0]} && t->dtype == DType::i32, "pgd: images are ", shape, " so ", name,
                 " must be (", shape[0], ") i32, got ", t->shape, " ", t->dtype);
}

}  // namespace

Tensor Pgd::run(Engine& engine, const Batch& batch, const Classifier& classifier, uint32_t draw) const {
  return run(
      engine, batch, classifier,
      [&](Tape& tape, const Var& logits) {
        return loss == Loss::margin
                   ? margin_loss(tape, logits, batch.labels, static_cast<float>(kappa), Reduction::none)
                   : cross_entropy(tape, logits, batch.labels, Reduction::none);
      },
      draw);
}

Tensor Pgd::run(Engine& engine, const Batch& batch, const Classifier& classifier, const Objective& objective,
                uint32_t draw) const {
  check_batch(batch);
  if (const auto p = problem()) fail("pgd: ", p->key, ": ", p->text);
  const Tensor& clean = batch.images;
  const Climb climb(engine, *this, step_size(), batch);
  const bool selects = returns != Return::last || restarts > 1;
  Arena& arena = engine.arena();
  const Tensor result = arena.tensor(clean.shape, clean.dtype);
  const Arena::Scope scope(arena);
  const Tensor x = selects ? arena.tensor(clean.shape, clean.dtype) : result;
  const Tensor m = momentum > 0 ? arena.tensor(clean.shape, clean.dtype) : Tensor{};
  const Tensor best_score = arena.tensor({clean.shape[0]}, clean.dtype);
  if (selects) {
    copy(engine.stream(), result.data, result.device, clean.data, clean.device, clean.bytes());
    dispatch_full(clean.dtype, [&](auto tag) {
      using T = decltype(tag);
      fill(engine.stream(), best_score.numel(), best_score.as<T>(), T(-kInfinity));
    });
  }

  // Evaluates x on `tape`: its loss per sample, after offering it to the selection if `offer` says so.
  const auto evaluate = [&](Tape& tape, const Var& input, bool offer) {
    const Var logits = classifier(tape, input);
    const Var value = objective(tape, logits);
    TEMPER_CHECK(value.value.shape == Shape{clean.shape[0]}, "pgd: the objective must give one value per sample (",
                 clean.shape[0], ") so that samples do not weigh on each other, got ", value.value.shape,
                 "; use Reduction::none");
    if (offer) climb.keep(tape, x, logits.value, value.value, result, best_score);
    return value;
  };
  for (int restart = 0; restart < restarts; ++restart) {
    climb.start(x, draw, static_cast<uint32_t>(restart));
    if (m) set_zero(engine.stream(), m.data, m.bytes());
    for (int i = 0; i < steps; ++i) {
      Tape tape(engine, Wrt::input);  // one per step: nothing accumulates
      const Var input = tape.input(x);
      tape.backward(evaluate(tape, input, returns != Return::last));
      climb.ascend(x, tape.grad(input), m);
    }
    if (selects) {
      Tape tape(engine, Wrt::nothing);
      evaluate(tape, tape.input(x), true);
    }
  }
  return result;
}

}  // namespace temper
