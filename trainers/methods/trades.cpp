// TRADES (Zhang et al. 2019): clean cross entropy + beta * KL(clean || adversarial).
#include "trainers/methods/parts/kl_attack.h"
#include "trainers/methods/parts/trades_loss.h"

namespace temper {

namespace {

struct Trades : Trainer {
  TradesLoss trades;
  KlAttack attack;  ///< for its L2 form, attack: {norm: l2, l2_order: box_first, step: 2 * radius / steps}
  int clean_updates = 1;
  FirstPass first_pass = FirstPass::clean;

  void fields(Fields& f) override {
    trades.fields(f);
    attack.fields(f);
    f("clean_updates", clean_updates, Limits::between(1, 2),
      "how often the clean batch updates the running statistics: 1, or 2 as in the code");
    f.choice("first_pass", first_pass, {{"clean", FirstPass::clean}, {"adversarial", FirstPass::adversarial}},
             "which images pass the network first, which the running statistics show; adversarial: as in the code of "
             "TRADES-AWP");
  }

  std::vector<const Attack*> attacks() const override { return {&attack.pgd}; }

  Var loss(Tape& tape, const Batch& batch, const TrainContext& context) override {
    const Tensor x_adv = attack.images(context, batch);
    const PairedLogits logits = train_passes(tape, context.model, batch.images, x_adv, first_pass);
    // The paper writes f(x) once. The code computes it twice, for the cross entropy and for the KL term: the same
    // logits and gradients, but the running statistics move a third time.
    if (clean_updates == 2) context.model.predict(context.engine, batch.images, Pass::train());
    return trades(tape, context, batch, logits);
  }
};

TEMPER_REGISTER(Trainer, Trades, "trades", "clean cross entropy + beta * KL(clean || adversarial) (Zhang et al.)");

}  // namespace

}  // namespace temper
