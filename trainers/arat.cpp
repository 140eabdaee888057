// AR-AT (Waseda et al. 2025): one set of convolutions with a BatchNorm set for adversarial and one for clean images,
// and adversarial features drawn towards the clean ones by predictors.
#include <algorithm>
#include <optional>

#include "core/ops_elementwise.h"
#include "evaluation/robust_accuracy.h"
#include "trainers/attack_bn.h"
#include "trainers/balance.h"
#include "trainers/invariance.h"
#include "trainers/noisy_pgd.h"
#include "trainers/scalar.h"

namespace temper {

namespace {

constexpr const char *kAdversarial = "adv", *kClean = "clean";

/// w CE(f_adv(x_adv), y) + u CE(f_clean(x), y) + lambda * invariance (trainers/invariance.h), with w and u, usually
/// 1 - w, from the accuracy of the clean branch (trainers/balance.h).
struct Arat : Trainer {
  enum class Bn : uint8_t { split, shared };
  struct Terms {
    Var adversarial, clean, invariance, total;
  };
  Bn bn = Bn::split;
  NoisyPgd attack;
  AttackBn attack_bn = AttackBn::train;
  Balance balance;
  InvarianceOptions invariance_options;

  std::optional<Invariance> invariance;
  int adversarial_branch = 0, clean_branch = 0;
  std::optional<Scalars> last;           ///< adversarial, clean, invariance: terms of the last step
  std::optional<double> clean_accuracy;  ///< percent of the validation images, by the clean branch

  void fields(Fields& f) override {
    f.choice("bn", bn, {{"split", Bn::split}, {"shared", Bn::shared}},
             "split: a BatchNorm set for either kind of image, model.branches: [adv, clean]; shared: the first set for "
             "both");
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
    last.emplace(context.engine, context.model.options().dtype, 3);
  }
  std::vector<TrainedPart> parts() override {
    if (!invariance->predictors()) return {};
    return {{"predictors", &invariance->predictors()->weights()}};
  }
  void before_epoch(TrainContext& context) override { balance.measure(context, Pass::eval(clean_branch)); }

  Terms terms(Tape& tape, const Batch& given, const TrainContext& context) const {
    const Network& model = context.model;
    const RngStream random = context.random("attack");
    const Batch batch = attack.seen(context.engine, given, random);
    const Pass attacked = attack_pass(attack_bn, adversarial_branch);
    const Tensor x_adv = attack.run({context.engine, batch, {model, attacked}, random}).images;
    Taps clean_taps = invariance->taps(), adversarial_taps = invariance->taps();
    const Var clean = model(tape, tape.input(batch.images), {.branch = clean_branch, .taps = &clean_taps});
    const Var adversarial = model(tape, tape.input(x_adv), {.branch = adversarial_branch, .taps = &adversarial_taps});
    Terms t{.adversarial = cross_entropy(tape, adversarial, batch.labels),
            .clean = cross_entropy(tape, clean, batch.labels),
            .invariance = invariance->loss(tape, adversarial_taps, clean_taps)};
    const TermWeights now = balance.weights();
    const LiveTermWeights w = context.live_terms.value_or(LiveTermWeights{now.first, now.second});
    const Var entropy = add(tape, scale(tape, t.adversarial, w.first), t.clean, w.second);
    t.total = add(tape, entropy, t.invariance, invariance_options.lambda);
    return t;
  }
  Var loss(Tape& tape, const Batch& batch, const TrainContext& context) override {
    return terms(tape, batch, context).total;
  }
  void write_gradients(TrainContext& context, const Batch& batch, std::span<Flat* const> grads,
                       const Tensor& loss) override {
    Tape tape(context.engine, Wrt::params);
    const Terms t = terms(tape, batch, context);
    tape.backward(t.total, grads);
    last->put(0, t.adversarial.value);
    last->put(1, t.clean.value);
    last->put(2, t.invariance.value);
    put_scalar(context.engine, t.total.value, loss);
  }
  TermWeights term_weights() const override { return balance.weights(); }
  std::string recording(const TrainContext&) const override { return "arat"; }

  void after_epoch(TrainContext& context) override {
    if (!context.validation) return;
    clean_accuracy =
        evaluate(context.engine, context.model, Pass::eval(clean_branch), *context.validation, nullptr).percent();
  }
  void step_metrics(const MetricSink& put) const override {
    const std::vector<double> terms = last->read();
    put("adversarial_loss", terms[0]);
    put("clean_loss", terms[1]);
    put("invariance", terms[2]);
  }
  void epoch_metrics(const MetricSink& put) const override {
    put("adversarial_weight", balance.weight);
    put("clean_weight", balance.weight_of_clean());
    if (clean_accuracy) put("clean_branch_accuracy", *clean_accuracy);
  }
  void visit_state(StateVisitor& v) override {
    balance.visit_state(v, "arat");
    if (!invariance->predictors()) return;
    Weights& w = invariance->predictors()->weights();
    v("arat.predictors.params", w.params);
    v("arat.predictors.buffers", w.buffers);
  }

  int eval_branch(const Network& model) const override { return branch(model, kAdversarial); }
  /// Adversarial images of the averaged network, for its adversarial branch.
  Tensor estimation_images(TrainContext& context, const Batch& batch, const Estimated& of) override {
    Pass pass = attack_pass(attack_bn, adversarial_branch);
    if (!of.momentum) pass.update = BnUpdate::no;
    pass.momentum = of.momentum.value_or(pass.momentum);
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

TEMPER_REGISTER(Trainer, Arat, "arat", "split BatchNorm, and adversarial features drawn to the clean ones (AR-AT)");

}  // namespace

}  // namespace temper
