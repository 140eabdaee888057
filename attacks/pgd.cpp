#include "attacks/pgd.h"

#include <limits>

#include "core/ops/elementwise.h"
#include "core/ops/mixed_loss.h"
#include "kernels/pgd_start/pgd_start.h"
#include "kernels/pgd_step/pgd_step.h"
#include "kernels/runtime/memory.h"

namespace temper {

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

int columns(const Tensor& x) { return static_cast<int>(x.numel() / x.shape[0]); }

/// x = the images plus the noise of a run; of each row's own radius, if there are `radii`.
void put_start(const PgdOptions& o, Stream stream, const Batch& batch, const RngKey& key, const Tensor& x,
               const Tensor& radii = {}) {
  using Start = PgdOptions::Start;
  const Tensor& clean = batch.images;
  if (o.start == Start::none) return copy(stream, x.data, x.device, clean.data, clean.device, clean.bytes());
  const bool gauss = o.start == Start::gauss001 || o.start == Start::gauss001_clipped,
             clipped = o.start == Start::uniform || o.start == Start::gauss001_clipped;
  const NoiseStart noise{.noise = gauss                  ? Noise::normal
                                  : o.norm == Norm::linf ? Noise::uniform
                                                         : Noise::l2_direction,
                         .key = key,
                         .scale = gauss ? 0.001 : o.radius,
                         .lo = clipped ? 0 : -kInfinity,
                         .hi = clipped ? 1 : kInfinity};
  dispatch_full(x.dtype, [&](auto tag) {
    using T = decltype(tag);
    pgd_start(stream, x.shape[0], columns(x), x.as<T>(), clean.as<const T>(), batch.ids.as<const int32_t>(), noise,
              gauss ? nullptr : radii.as<const T>());
  });
}

class PgdSteps : public StepPolicy {
 public:
  PgdSteps(const Pgd& pgd, const AttackCall& part, const BatchRows& of, const PgdPlan& plan)
      : pgd_(pgd), part_(part), radii_(of(plan.radius)), steps_(of(plan.step)) {
    if (pgd.momentum > 0) m_ = part.engine.arena().tensor(part.batch.images.shape, part.batch.images.dtype);
  }

  void start(const Tensor& x, int run) override {
    put_start(pgd_, stream(), part_.batch, part_.random.key(static_cast<uint32_t>(run)), x, radii_);
    if (m_) set_zero(stream(), m_.data, m_.bytes());
  }

  void step(const AttackPoint& at) override {
    const Tensor& x = at.images;
    const int64_t rows = x.shape[0];
    const PgdStep p{.radius = pgd_.radius, .step = pgd_.step_size()};
    dispatch_full(x.dtype, [&](auto tag) {
      using T = decltype(tag);
      if (m_) accumulate_momentum(stream(), rows, columns(x), m_.as<T>(), at.gradient.as<const T>(), pgd_.momentum);
      const T *direction = (m_ ? m_ : at.gradient).template as<const T>(), *clean = part_.batch.images.as<const T>();
      const PgdRows<T> own{radii_.as<const T>(), steps_.as<const T>(), at.active.as<const int32_t>()};
      if (pgd_.norm == Norm::linf && !own)
        pgd_step_linf(stream(), x.numel(), x.as<T>(), direction, clean, p);
      else if (pgd_.norm == Norm::linf)
        pgd_step_linf(stream(), rows, columns(x), x.as<T>(), direction, clean, p, own);
      else if (pgd_.l2_order == Pgd::L2Order::ball_first)
        pgd_step_l2(stream(), rows, columns(x), x.as<T>(), direction, clean, p, own);
      else
        pgd_step_l2_box_first(stream(), rows, columns(x), x.as<T>(), direction, clean,
                              part_.batch.ids.as<const int32_t>(),
                              part_.random.derive("l2_noise").key(at.run * pgd_.steps + at.step), p, own);
    });
  }

 private:
  Stream stream() const { return part_.engine.stream(); }

  const Pgd& pgd_;
  const AttackCall& part_;
  Tensor radii_, steps_;  ///< of each row, or none
  Tensor m_;              ///< accumulated gradient
};

}  // namespace

AttackResult Pgd::run(const AttackCall& call) const {
  TEMPER_CHECK(loss == Loss::cross_entropy || !call.batch.targets,
               "pgd: the margin loss leads away from a label, but the batch has targets; set loss: cross_entropy");
  return run(call, objective(call.classifier));
}

Objective Pgd::objective(const Classifier& classifier) const {
  if (loss == Loss::margin)
    return [kappa = static_cast<float>(kappa)](Tape& tape, const AttackView& at) {
      return margin_loss(tape, at.logits, at.batch.labels, kappa, Reduction::none);
    };
  return [unsaturated = gradient_on(classifier) == Gradient::unsaturated](Tape& tape, const AttackView& at) {
    if (at.batch.other_labels && !at.batch.targets) {
      const MixedLabels labels{
          .labels = at.batch.labels, .other = at.batch.other_labels, .share = at.batch.other_share};
      return mixed_cross_entropy(tape, at.logits, labels, Reduction::none);
    }
    const Tensor& classes = at.batch.targets ? at.batch.targets : at.batch.labels;
    const Var value =
        unsaturated ? log_odds(tape, at.logits, classes) : cross_entropy(tape, at.logits, classes, Reduction::none);
    return at.batch.targets ? scale(tape, value, -1.f) : value;
  };
}

AttackResult Pgd::run(const AttackCall& call, const Objective& objective, const PgdPlan& plan) const {
  if (const auto p = problem()) fail("pgd: ", p->key, ": ", p->text);
  return drive(call, objective, drives(plan),
               [&](const AttackCall& part, const BatchRows& of) { return policy(part, of, plan); });
}

AttackDrive Pgd::drives(const PgdPlan& plan) const {
  const bool by_success =
      returns == Return::last ? restart_rule == RestartRule::any_success : returns == Return::any_success;
  return {.name = "pgd",
          .runs = restarts,
          .steps = steps,
          .offered = returns == Return::last ? Offered::last : Offered::every,
          .kept = by_success ? Kept::any_success : Kept::best_loss,
          .row_steps = plan.steps};
}

std::unique_ptr<StepPolicy> Pgd::policy(const AttackCall& part, const BatchRows& of, const PgdPlan& plan) const {
  return std::make_unique<PgdSteps>(*this, part, of, plan);
}

void Pgd::start_at(Engine& engine, const Batch& batch, const RngStream& random, const Tensor& x) const {
  put_start(*this, engine.stream(), batch, random.key(), x);
}

}  // namespace temper
