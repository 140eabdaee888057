#include "trainers/methods/parts/friendly_attack.h"

#include <algorithm>
#include <numeric>

#include "core/ops/per_sample.h"
#include "kernels/pgd_start/pgd_start.h"
#include "kernels/row_move/row_move.h"

namespace temper {

namespace {

/// PGD's step from x + noise * N(0, 1), for the images that are still attacked.
class NoisySteps : public StepPolicy {
 public:
  NoisySteps(std::unique_ptr<StepPolicy> pgd, double noise, int steps, const AttackCall& part)
      : pgd_(std::move(pgd)),
        noise_(noise),
        steps_(steps),
        part_(part),
        moved_(part.engine.arena().tensor(part.batch.images.shape, part.batch.images.dtype)) {}

  void start(const Tensor& x, int run) override { pgd_->start(x, run); }

  void step(const AttackPoint& at) override {
    const Tensor& x = at.images;
    const Stream stream = part_.engine.stream();
    const int64_t rows = x.shape[0];
    const int cols = static_cast<int>(x.numel() / rows);
    AttackPoint moved = at;
    moved.images = moved_;
    const NoiseStart noise{.noise = Noise::normal,
                           .key = part_.random.derive("noise").key(static_cast<uint32_t>(at.run * steps_ + at.step)),
                           .scale = noise_,
                           .lo = -std::numeric_limits<double>::infinity(),
                           .hi = std::numeric_limits<double>::infinity()};
    dispatch_full(x.dtype, [&](auto tag) {
      using T = decltype(tag);
      pgd_start(stream, rows, cols, moved_.as<T>(), x.as<const T>(), part_.batch.ids.as<const int32_t>(), noise);
      pgd_->step(moved);
      copy_rows_where(stream, rows, cols, x.as<T>(), moved_.as<const T>(), at.active.as<const int32_t>());
    });
  }

 private:
  std::unique_ptr<StepPolicy> pgd_;
  double noise_;
  int steps_;
  const AttackCall& part_;
  Tensor moved_;
};

}  // namespace

void FriendlyAttack::fields(Fields& f) {
  f("tau", tau, Limits::at_least(0).usually(0, 1000),
    "steps that an image makes after the network was wrong about it; attack.steps or more: PGD as it is");
  f("milestones", milestones, Limits::at_least(0), "tau grows by 1 after each of these epochs");
  f("noise", noise, Limits::at_least(0).usually(0, 0.1), "omega: N(0, 1) times this is added at every step");
  attack.fields(f);
}

void FriendlyAttack::begin(const TrainContext& c) {
  patience_ = tau;
  std::vector<double> numbers(static_cast<size_t>(attack.pgd.restarts * attack.pgd.steps + 1));
  std::iota(numbers.begin(), numbers.end(), 0);
  layout_.add("counts", {static_cast<int64_t>(numbers.size())}, nullptr);
  counts_.emplace(layout_, c.model.weights().params.dtype(), c.engine.stream());
  counts_->write(0, numbers);
}

void FriendlyAttack::before_epoch(const TrainContext& c) {
  const int64_t epoch = c.epoch.unwatched();  // captured work depends on patience_ alone, which is visited
  patience_ = tau + std::count_if(milestones.begin(), milestones.end(), [&](int over) { return epoch > over; });
}

Tensor FriendlyAttack::images(const TrainContext& c, const Batch& batch, Maximised what) const {
  return c.once("attack", [&] {
    const Classifier classifier(c.model, attack_pass(attack.bn));
    const AttackResult found = find({c.engine, batch, classifier, c.random("attack")}, c.model, what);
    Tape tape(c.engine, Wrt::nothing);
    c.log("attack_steps", mean(tape, {gathered(c.engine, counts_->view(0), found.steps)}));
    return found.images;
  });
}

// [attack]
AttackResult FriendlyAttack::find(const AttackCall& call, const Network& model, Maximised what) const {
  const Pgd& pgd = attack.pgd;
  AttackDrive how = pgd.drives();
  how.name = "fat";
  how.patience = static_cast<int>(patience_);
  return drive(call, what == Maximised::kl ? attack.objective(call, model) : pgd.objective(call.classifier), how,
               [&](const AttackCall& part, const BatchRows& of) -> std::unique_ptr<StepPolicy> {
                 if (noise == 0) return pgd.policy(part, of);
                 return std::make_unique<NoisySteps>(pgd.policy(part, of), noise, pgd.steps, part);
               });
}
// [attack]

void FriendlyAttack::visit_state(StateVisitor& v, const char* method) { v(cat(method, ".tau"), patience_); }

}  // namespace temper
