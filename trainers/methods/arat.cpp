// AR-AT (Waseda et al. 2025): one set of convolutions with a BatchNorm set for adversarial and one for clean images,
// and adversarial features drawn towards the clean ones by predictors.
#include <algorithm>
#include <optional>

#include "core/ops/elementwise.h"
#include "evaluation/robust_accuracy.h"
#include "trainers/methods/parts/attack_bn.h"
#include "trainers/methods/parts/balance.h"
#include "trainers/methods/parts/class_targets.h"
#include "trainers/methods/parts/invariance.h"
#include "trainers/methods/parts/noisy_pgd.h"

namespace temper {

namespace {

constexpr const char *kAdversarial = "adv", *kClean = "clean";

/// w CE(f_adv(x_adv), y) + u CE(f_clean(x), y) + lambda * invariance (trainers/methods/parts/invariance.h), with w and
/// u, usually 1 - w, from the accuracy of the clean branch (trainers/methods/parts/balance.h).
struct Arat : Trainer {
  enum class Bn : uint8_t { split, shared };
  Bn bn = Bn::split;
  ClassTargets targets;
  NoisyPgd attack;
  AttackBn attack_bn = AttackBn::train;
  Balance balance;
  InvarianceOptions invariance_options;

  std::optional<Invariance> invariance;
  int adversarial_branch = 0, clean_branch = 0;

  void fields(Fields& f) override {
    f.choice("bn", bn, {{"split", Bn::split}, {"shared", Bn::shared}},
             "split: separate BatchNorm sets for adversarial and clean images, model.branches: [adv, clean]; shared: "
             "the first set for both");
    targets.fields(f);
    attack.fields(f);
    attack_bn_field(f, attack_bn);
    f.section("balance", balance);
    f.section("invariance", invariance_options);
  }

  std::vector<const Attack*> attacks() const override { return {&attack.pgd}; }

  void begin(TrainContext& context) override {
    adversarial_branch = branch(context.model, kAdversarial);
    clean_branch = branch(context.model, kClean);
    invariance.emplace(context.engine, context.model, invariance_options);
  }
  std::vector<MethodPart> parts() override {
    if (!invariance->predictors()) return {};
    return {{.name = "predictors",
             .weights = &invariance->predictors()->weights(),
             .moved = MethodPart::Moved::with_network,
             .saved_as = "arat.predictors"}};
  }
  void before_epoch(TrainContext& context) override { balance.measure(context, Pass::eval(clean_branch)); }
  void live_values(const MetricSink& put, const TrainContext&) const override { balance.live_values(put); }

  Var loss(Tape& tape, const Batch& given, const TrainContext& context) override {
    const Network& model = context.model;
    const RngStream random = context.random("attack");
    const Batch batch = attack.seen(context.engine, given, random);
    const Pass attacked = attack_pass(attack_bn, adversarial_branch);
    const Tensor x_adv = context.once("attack", [&] {
      return attack.run({context.engine, batch, {model, attacked}, random}).images;
    });
    Taps clean_taps = invariance->taps(), adversarial_taps = invariance->taps();
    const Var of_clean = model(tape, tape.input(batch.images), {.branch = clean_branch, .taps = &clean_taps});
    const Var of_adversarial =
        model(tape, tape.input(x_adv), {.branch = adversarial_branch, .taps = &adversarial_taps});
    const Var adversarial = targets.cross_entropy(tape, of_adversarial, batch),
              clean = targets.cross_entropy(tape, of_clean, batch),
              invariance_loss = invariance->loss(tape, adversarial_taps, clean_taps);
    context.log("adversarial_loss", adversarial);
    context.log("clean_loss", clean);
    context.log("invariance", invariance_loss);
    const Var weighted = scale(tape, adversarial, context.live("adversarial_weight"));
    return add(tape, add(tape, weighted, clean, context.live("clean_weight")), invariance_loss,
               invariance_options.lambda);
  }

  void after_epoch(TrainContext& context) override {
    context.log("adversarial_weight", balance.weight);
    context.log("clean_weight", balance.weight_of_clean());
    if (!context.validation) return;
    const Pass clean = Pass::eval(clean_branch);
    context.log("clean_branch_accuracy",
                evaluate(context.engine, context.model, clean, *context.validation, nullptr).percent());
  }
  void visit_state(StateVisitor& v) override { balance.visit_state(v, "arat"); }

  int eval_branch(const Network& model) const override { return branch(model, kAdversarial); }
  /// Adversarial images of the averaged network, for its adversarial branch.
  Tensor estimation_images(TrainContext& context, const Batch& batch, const Estimated& of) override {
    Pass pass = attack_pass(attack_bn, adversarial_branch);
    if (!of.momentum) pass.update = BnUpdate::no;
    pass.momentum = of.momentum;
    pass.weights = &of.weights;
    const RngStream random = context.random("attack");
    const Batch seen = attack.seen(context.engine, batch, random);
    return attack.run({context.engine, seen, {context.model, pass}, random}).images;
  }

 private:
  int branch(const Network& model, const std::string& name) const {
    const std::vector<std::string>& known = model.options().branches;
    const auto at = std::find(known.begin(), known.end(), name);
    TEMPER_CHECK(bn == Bn::shared || at != known.end(), "arat: expected BatchNorm branches '", kAdversarial, "' and '",
                 kClean, "' because adversarial and clean images are to have statistics of their own, got [",
                 join(known), "]; set model.branches: [adv, clean], or trainer.bn: shared");
    return bn == Bn::shared ? 0 : static_cast<int>(at - known.begin());
  }
};

TEMPER_REGISTER(Trainer, Arat, "arat",
                "split BatchNorm, and features of adversarial images regularised towards the "
                "clean ones (AR-AT)");

}  // namespace

}  // namespace temper
