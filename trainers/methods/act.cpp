// ACT, adversarial concurrent training (Arani et al. 2020): a robust and a natural network learn from each other.
#include "attacks/pgd.h"
#include "core/ops/elementwise.h"
#include "trainers/methods/parts/attack_bn.h"
#include "trainers/methods/parts/class_targets.h"
#include "trainers/methods/parts/distillation.h"
#include "trainers/methods/parts/other_network.h"

namespace temper {

namespace {

/// Robust f, natural g, the network of the run being f. With sg a stop-gradient and KL_T the divergence of softened
/// outputs, times T^2,
///   of f: (1 - a_f) CE(f(x'), y) + a_f KL_T(sg g(x) || f(x'))
///   of g: (1 - a_g) CE(g(x), y)  + a_g KL_T(sg f(x') || g(x)).
/// No gradient goes from one loss into the other network, so both are trained from one backward pass of their sum.
struct Act : Trainer {
  enum class AttackCrossEntropy : uint8_t { mean, sum };
  float robust_alpha = 0.9f, natural_alpha = 0.9f, temperature = 4;
  ClassTargets targets;
  Pgd attack{{.radius = 0.031, .step = 0.007, .start = Pgd::Start::gauss001}};
  AttackBn attack_bn = AttackBn::eval;
  AttackCrossEntropy attack_cross_entropy = AttackCrossEntropy::mean;
  OtherNetwork natural{"natural", "small_cnn"};

  void fields(Fields& f) override {
    f("robust_alpha", robust_alpha, Limits::between(0, 1), "the robust network's share of the natural one's answers");
    f("natural_alpha", natural_alpha, Limits::between(0, 1), "the natural network's share of the robust one's answers");
    f("temperature", temperature, Limits::above(0).usually(1, 100), "of the answers that each learns from");
    targets.fields(f);
    f.section("attack", attack);
    attack_bn_field(f, attack_bn);
    f.choice("attack_cross_entropy", attack_cross_entropy,
             {{"mean", AttackCrossEntropy::mean}, {"sum", AttackCrossEntropy::sum}},
             "how the cross entropy is reduced in the attack, where the KL is summed over the batch: mean as in the "
             "code, so that it hardly counts, or sum");
    Fields own = f.enter(natural.name().c_str());
    natural.fields(own);
    f.leave(natural.name().c_str(), own);
  }

  std::vector<const Attack*> attacks() const override { return {&attack}; }
  void begin(TrainContext& context) override { natural.begin(context); }
  std::vector<MethodPart> parts() override { return {natural.part(MethodPart::Moved::with_network)}; }

  Var loss(Tape& tape, const Batch& batch, const TrainContext& context) override {
    const Network& model = context.model;
    const Var clean = natural.network()(tape, tape.input(batch.images), Pass::train());
    const Tensor x_adv = context.once("attack", [&] {
      const Classifier classifier(model, attack_pass(attack_bn));
      const AttackCall call{context.engine, batch, classifier, context.random("attack")};
      return attack.run(call, objective(batch.size(), clean.value)).images;
    });
    const Var robust = model(tape, tape.input(x_adv), Pass::train());
    const auto learn = [&](const Var& own, const Var& other, float alpha, const std::string& name) {
      const Var labels = targets.cross_entropy(tape, own, batch);
      const Var answers = distillation(tape, own, other.value, temperature);
      context.log(name + "_loss", labels);
      context.log(name + "_distillation", answers);
      return add(tape, scale(tape, labels, 1 - alpha), answers, alpha);
    };
    const Var of_natural = learn(clean, robust, natural_alpha, "natural");
    return add(tape, learn(robust, clean, robust_alpha, "robust"), of_natural);
  }

 private:
  /// (1 - a_f) CE + a_f KL(softmax g(x) || softmax f(x')), without a temperature.
  Objective objective(int64_t samples, const Tensor& clean) const {
    float labels = 1 - robust_alpha;
    if (attack_cross_entropy == AttackCrossEntropy::mean) labels /= static_cast<float>(samples);
    return [=, answers = robust_alpha](Tape& tape, const AttackView& at) {
      const Var ce = cross_entropy(tape, at.logits, at.batch.labels, Reduction::none);
      const Var kl = kl_divergence(tape, at.logits, {at.of(clean)}, Reduction::none);
      return add(tape, scale(tape, ce, labels), kl, answers);
    };
  }
};

TEMPER_REGISTER(Trainer, Act, "act",
                "a robust and a natural network, trained together on each other's answers (Arani)");

}  // namespace

}  // namespace temper
