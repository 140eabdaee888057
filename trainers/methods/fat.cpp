// Friendly adversarial training (FAT, Zhang et al. 2020): an image leaves the attack when the network has been wrong
// about it more than tau times, so that training meets adversarial images that are not needlessly bad. tau grows with
// training.
#include <algorithm>

#include "attacks/pgd.h"
#include "kernels/pgd_start/pgd_start.h"
#include "kernels/row_move/row_move.h"
#include "trainers/methods/parts/attack_bn.h"
#include "trainers/trainer.h"

namespace {
using namespace temper;

/// PGD's step from x + noise * N(0, 1), for the images that are still attacked.
class NoisySteps : public StepPolicy {
 public:
  NoisySteps(std::unique_ptr<StepPolicy> pgd, double noise, const AttackCall& part)
      : pgd_(std::move(pgd)),
        noise_(noise),
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
                           .key = part_.random.derive("noise").key(static_cast<uint32_t>(at.step)),
                           .scale = noise_,
                           .lo = -1,
                           .hi = 2};  // PGD's step ends in [0, 1]
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
  const AttackCall& part_;
  Tensor moved_;
};

/// The cross entropy of friendly images. The defaults are the official code's.
struct Fat : Trainer {
  Pgd attack{{.radius = 0.031, .step = 0.007}};
  AttackBn attack_bn = AttackBn::eval;
  double noise = 0.001;
  std::vector<int> milestones = {50, 90};

  void fields(Fields& f) override {
    f.section("attack", attack);
    attack_bn_field(f, attack_bn);
    f("noise", noise, Limits::at_least(0).usually(0, 0.1), "omega: N(0, 1) times this is added before every step");
    f("milestones", milestones, Limits::at_least(0), "tau: how many of these epochs are over");
  }
  std::vector<const Attack*> attacks() const override { return {&attack}; }

  // [attack]
  AttackResult friendly(const TrainContext& context, const Batch& batch) const {
    const Classifier classifier(context.model, attack_pass(attack_bn));
    AttackDrive how = attack.drives();
    how.patience = static_cast<int>(
        std::count_if(milestones.begin(), milestones.end(), [&](int epoch) { return context.epoch > epoch; }));
    return drive({context.engine, batch, classifier, context.random("attack")}, attack.objective(classifier), how,
                 [&](const AttackCall& part, const BatchRows& of) {
                   return std::make_unique<NoisySteps>(attack.policy(part, of), noise, part);
                 });
  }
  // [attack]

  Var loss(Tape& tape, const Batch& batch, const TrainContext& context) override {
    const AttackResult found = friendly(context, batch);
    return cross_entropy(tape, context.model(tape, tape.input(found.images), Pass::train()), batch.labels);
  }
};

TEMPER_REGISTER(Trainer, Fat, "fat",
                "cross entropy of images that leave the attack when they are fooled (Zhang et al.)");

}  // namespace
