#include "attacks/pgd.h"

#include "attacks/attack_observer.h"
#include "attacks/climb.h"
#include "attacks/fitted_scale.h"
#include "attacks/gradient_watch.h"
#include "kernels/runtime/memory.h"
#include "kernels/runtime/range.h"

namespace temper {

namespace {

void check_batch(const Batch& batch) {
  const Shape& shape = batch.images.shape;
  TEMPER_CHECK(shape.rank() >= 2 && batch.images.numel() > 0, "pgd: expected images (N, ...), got ", shape);
  for (const auto& [name, t] : {std::pair{"labels", &batch.labels}, {"ids", &batch.ids}})
    TEMPER_CHECK(t->shape == Shape{shape[0]} && t->dtype == DType::i32, "pgd: images are ", shape, " so ", name,
                 " must be (", shape[0], ") i32, got ", t->shape, " ", t->dtype);
}

}  // namespace

Tensor Pgd::run(Engine& engine, const Batch& batch, const Classifier& classifier, Draw draw) const {
  return run(
      engine, batch, classifier,
      [&](Tape& tape, const Var& logits) {
        if (loss == Loss::margin)
          return margin_loss(tape, logits, batch.labels, static_cast<float>(kappa), Reduction::none);
        return gradient == Gradient::unsaturated ? log_odds(tape, logits, batch.labels)
                                                 : cross_entropy(tape, logits, batch.labels, Reduction::none);
      },
      draw);
}

Tensor Pgd::run(Engine& engine, const Batch& batch, const Classifier& classifier, const Objective& objective,
                Draw draw) const {
  check_batch(batch);
  if (const auto p = problem()) fail("pgd: ", p->key, ": ", p->text);
  const PhaseRange phase(engine.stream(), "attack");
  const Tensor& clean = batch.images;
  const Climb climb(engine, *this, step_size(), batch, draw);
  Arena& arena = engine.arena();
  const Tensor result = arena.tensor(clean.shape, clean.dtype);
  const Arena::Scope scope(arena);
  const Tensor x = selects() ? arena.tensor(clean.shape, clean.dtype) : result;
  const Tensor m = momentum > 0 ? arena.tensor(clean.shape, clean.dtype) : Tensor{};
  const Tensor best_score = arena.tensor({clean.shape[0]}, clean.dtype);
  const GradientWatch watch(engine, batch);
  const FittedScale scale(engine, batch.size(), gradient == Gradient::unsaturated ? ScaleOf::sample : ScaleOf::batch);
  if (selects()) climb.clear(result, best_score);

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
    climb.start(x, restart);
    if (m) set_zero(engine.stream(), m.data, m.bytes());
    for (int i = 0; i < steps; ++i) {
      Tape tape(engine, Wrt::input);  // one per step: nothing accumulates
      const Var input = tape.input(x);
      const Var value = evaluate(tape, input, returns != Return::last);
      scale.backward(tape, input, value);
      watch.look(tape.grad(input), value.value);
      climb.ascend(x, tape.grad(input), m, restart * steps + i);
    }
    if (selects()) {
      Tape tape(engine, Wrt::nothing);
      evaluate(tape, tape.input(x), true);
    }
  }
  watch.report();
  if (AttackObserver* observer = engine.options().attacks) observer->on_found(engine, result);
  return result;
}

}  // namespace temper
