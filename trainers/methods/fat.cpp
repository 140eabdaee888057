// Friendly adversarial training (FAT, Zhang et al. 2020, "Attacks Which Do Not Kill Training Make Adversarial Learning
// Stronger"): adversarial training, TRADES or MART with images that leave the attack soon after the network is wrong
// about them.
#include "trainers/methods/parts/friendly_attack.h"
#include "trainers/methods/parts/mart_loss.h"
#include "trainers/methods/parts/trades_loss.h"

namespace temper {

namespace {

struct Fat : Trainer {
  enum class Loss : uint8_t { at, trades, mart };
  Loss of = Loss::at;
  float beta = 6;
  ClassTargets targets;
  FirstPass first_pass = FirstPass::clean;
  FriendlyAttack friendly;

  /// The official codes' settings of the attack for each loss.
  void choose_defaults() {
    const bool at = of == Loss::at;
    friendly.milestones = at                   ? std::vector<int>{50, 90}
                          : of == Loss::trades ? std::vector<int>{30, 50, 70}
                                               : std::vector<int>{20, 40, 60, 80};
    friendly.noise = at ? 0.001 : 0;
    friendly.attack.pgd.start = at ? Pgd::Start::uniform : Pgd::Start::gauss001_clipped;
  }

  void fields(Fields& f) override {
    f.choice("loss", of, {{"at", Loss::at}, {"trades", Loss::trades}, {"mart", Loss::mart}},
             "at: the cross entropy of friendly images; trades, mart: that method's loss. The defaults of milestones, "
             "noise and attack.start go by it");
    choose_defaults();
    f("beta", beta, Limits::at_least(0).usually(0, 100), "with loss trades or mart: weight of the KL term");
    targets.fields(f);
    f.choice("first_pass", first_pass, {{"clean", FirstPass::clean}, {"adversarial", FirstPass::adversarial}},
             "with loss trades or mart: which images pass the network first, which the running statistics show. FAT's "
             "code for MART begins with the adversarial ones, that of MART with the clean ones");
    friendly.fields(f);
  }

  std::vector<const Attack*> attacks() const override { return {&friendly.attack.pgd}; }
  void begin(TrainContext& context) override { friendly.begin(context); }
  void before_epoch(TrainContext& context) override { friendly.before_epoch(context); }
  void visit_state(StateVisitor& v) override { friendly.visit_state(v, "fat"); }

  Var loss(Tape& tape, const Batch& batch, const TrainContext& context) override {
    using Maximised = FriendlyAttack::Maximised;
    const Network& model = context.model;
    const Tensor x_adv = friendly.images(context, batch, of == Loss::trades ? Maximised::kl : Maximised::cross_entropy);
    if (of == Loss::at) {
      const Var loss = targets.cross_entropy(tape, model(tape, tape.input(x_adv), Pass::train()), batch);
      context.log("adversarial_loss", loss);
      return loss;
    }
    const PairedLogits logits = train_passes(tape, model, batch.images, x_adv, first_pass);
    if (of == Loss::trades) return TradesLoss{.beta = beta, .targets = targets}(tape, context, batch, logits);
    return MartLoss{.beta = beta, .targets = targets}(tape, context, batch, logits);
  }
};

TEMPER_REGISTER(Trainer, Fat, "fat",
                "adversarial training, TRADES or MART with images that leave the attack when they fool the network "
                "(Zhang et al.)");

}  // namespace

}  // namespace temper
