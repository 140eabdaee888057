#include "trainers/methods/parts/squeeze.h"

#include "attacks/attack_observer.h"
#include "attacks/fitted_scale.h"
#include "attacks/gradient_watch.h"
#include "core/ops/elementwise.h"
#include "core/ops/per_sample.h"
#include "kernels/runtime/memory.h"
#include "kernels/runtime/range.h"

namespace temper {

namespace {

/// The pass of the clean images, whose closures are run again in each step, for another gradient of its logits.
class RepeatedPass {
 public:
  RepeatedPass(const Classifier& classifier, Engine& engine, const Batch& batch, const Tensor& gradient)
      : tape_(engine, Wrt::input), images_(tape_.input(batch.images, gradient)), logits_(classifier(tape_, images_)) {
    of_logits_ = tape_.alloc(logits_.value.shape, logits_.value.dtype);
    set_zero(engine.stream(), of_logits_.data, of_logits_.bytes());
    along_ = row_sum(tape_, mul(tape_, logits_, {of_logits_}));  // its gradient by the logits is of_logits_
  }
  /// The logits as a variable of another tape, whose backward() puts their gradient where this pass reads it.
  Var logits(Tape& tape) const { return tape.input(logits_.value, of_logits_); }
  void backward(const FittedScale& scale) { scale.backward(tape_, images_, along_); }

 private:
  Tape tape_;
  Var images_, logits_, along_;
  Tensor of_logits_;
};

/// `count` images like those of the batch, in the engine's arena.
Tensor images_like(Engine& engine, const Batch& batch, int64_t count) {
  const Shape& s = batch.images.shape;
  return engine.arena().tensor({count, s[1], s[2], s[3]}, batch.images.dtype);
}

/// The attack on a batch: `points` holds the adversarial images, then the collaborative ones.
class Search {
 public:
  Search(const Squeeze& squeeze, const TrainContext& context, const Batch& batch, const Tensor& points)
      : squeeze_(squeeze),
        engine_(context.engine),
        batch_(batch),
        points_(points),
        classifier_(context.model, attack_pass(squeeze.bn)),
        all_(engine_, 0, batch.size()),
        calls_{{engine_, batch, classifier_, context.random("attack")},
               {engine_, batch, classifier_, context.random("collaborative")}},
        watch_(engine_, batch),
        extremes_(engine_, batch.size(), batch.images.dtype) {
    for (int i = 0; i < 2; ++i) {
      policies_[i] = squeeze.pgd.policy(calls_[i], all_);
      policies_[i]->start(half(points, i), 0);
    }
  }

  void run() {
    for (int step = 0; step < squeeze_.pgd.steps; ++step) {
      differentiate();
      move(step);
    }
    watch_.report();
  }

 private:
  int64_t n() const { return batch_.size(); }
  Tensor half(const Tensor& both, int i) const { return both.rows(i * n(), n()); }
  void copy_to(const Tensor& to, const Tensor& from) const {
    copy(engine_.stream(), to.data, to.device, from.data, from.device, to.bytes());
  }

  void differentiate() {
    {
      Tape tape(engine_, Wrt::input);
      const Var x = tape.input(points_, gradient_), of_clean = clean_.logits(tape);
      const Var of_collaborative = classifier_(tape, rows(tape, x, n(), n()));
      const Var of_adversarial = classifier_(tape, rows(tape, x, 0, n()));
      Extremes::Logits logits;
      logits[Squeeze::kClean] = of_clean;
      logits[Squeeze::kCollaborative] = of_collaborative;
      logits[Squeeze::kAdversarial] = of_adversarial;
      extremes_.find(tape, logits, batch_.labels);
      const Var loss = squeeze_.discrepancy(tape, extremes_, logits);
      scale_.backward(tape, x, loss);
      copy_to(loss_, loss.value);
    }
    clean_.backward(clean_scale_);
  }

  void move(int step) {
    choose_both(clean_gradient_, gradient_, along_);
    if (squeeze_.exchange == Squeeze::Exchange::with_clean) {
      Tape tape(engine_, Wrt::nothing);
      extremes_.unless_taken(tape, Squeeze::kClean, Squeeze::kAdversarial, Squeeze::kCollaborative);
    }
    choose_both(batch_.images, points_, moved_);
    for (int i = 0; i < 2; ++i) {
      const Tensor along = half(along_, i);
      watch_.look(along, loss_);
      policies_[i]->step({.step = step, .images = half(moved_, i), .gradient = along, .loss = loss_});
    }
    copy_to(points_, moved_);
  }

  void choose_both(const Tensor& of_clean, const Tensor& of_points, const Tensor& to) const {
    Extremes::Rows from;
    from[Squeeze::kClean] = of_clean;
    from[Squeeze::kCollaborative] = half(of_points, 1);
    from[Squeeze::kAdversarial] = half(of_points, 0);
    choose(engine_.stream(), extremes_.lowest(), from, half(to, 0));
    choose(engine_.stream(), extremes_.highest(), from, half(to, 1));
  }

  const Squeeze& squeeze_;
  Engine& engine_;
  const Batch& batch_;
  const Tensor& points_;
  Classifier classifier_;
  BatchRows all_;
  AttackCall calls_[2];
  std::unique_ptr<StepPolicy> policies_[2];
  GradientWatch watch_;
  Extremes extremes_;
  FittedScale scale_{engine_, n(), ScaleOf::batch}, clean_scale_{engine_, n(), ScaleOf::batch};
  Tensor clean_gradient_ = images_like(engine_, batch_, n()), gradient_ = images_like(engine_, batch_, 2 * n()),
         along_ = images_like(engine_, batch_, 2 * n()), moved_ = images_like(engine_, batch_, 2 * n()),
         loss_ = engine_.arena().tensor({n()}, batch_.images.dtype);
  RepeatedPass clean_{classifier_, engine_, batch_, clean_gradient_};
};

}  // namespace

void Squeeze::fields(Fields& f) {
  f.section("attack", pgd);
  if (pgd.selects())
    f.reject("attack", "expected one run whose last points are returned, got ", pgd.describe(),
             "; leave out attack.restarts and attack.return");
  attack_bn_field(f, bn);
  f.choice("kl_gradient", kl_gradient,
           {{"fixed_targets", KlGradient::fixed_targets}, {"both_sides", KlGradient::both_sides}},
           "which side of each KL takes a gradient, in the attack and in the loss: the second, or both");
  f.choice(
      "exchange", exchange, {{"always", Exchange::always}, {"with_clean", Exchange::with_clean}},
      "when a sample's points become the two extreme ones in a step of the attack: always, or, as in the code, only "
      "if a sample of the batch takes the clean image");
}

Var Squeeze::discrepancy(Tape& tape, const Extremes& of, const Extremes::Logits& logits) const {
  const Var low = chosen(tape, of.lowest(), logits), high = chosen(tape, of.highest(), logits);
  const auto target = [&](const Var& v) { return kl_gradient == KlGradient::both_sides ? v : stop_gradient(v); };
  const Var to_low = kl_divergence(tape, low, target(high), Reduction::none);
  const Var to_high = kl_divergence(tape, high, target(low), Reduction::none);
  return scale(tape, add(tape, to_low, to_high), 0.5f);
}

Tensor Squeeze::points(const TrainContext& context, const Batch& batch) const {
  return context.once("attack", [&] {
    Engine& engine = context.engine;
    const PhaseRange phase(engine.stream(), "attack");
    const Tensor points = images_like(engine, batch, 2 * batch.size());
    {
      const Arena::Scope scope(engine.arena());
      Search(*this, context, batch, points).run();
    }
    if (AttackObserver* observer = engine.options().attacks) observer->on_found(engine, points.rows(0, batch.size()));
    return points;
  });
}

}  // namespace temper
