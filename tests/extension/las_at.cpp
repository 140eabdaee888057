// Learnable attack strategies (LAS-AT, Jia et al. 2022): a policy draws the radius and the step size of every image's
// attack, and learns by REINFORCE which of them leave the network more robust.
#include <algorithm>
#include <optional>

#include "attacks/pgd.h"
#include "core/draw.h"
#include "core/ops/elementwise.h"
#include "core/ops/per_sample.h"
#include "trainers/methods/parts/companion.h"
#include "trainers/methods/parts/scalar.h"
#include "trainers/optimizers/sgd.h"

namespace {
using namespace temper;

/// min CE(f(attack(x, a)), y), a ~ policy(x); every so many steps the policy descends -log policy(a) R, with
///   R = min(CE(f(x_a)), 10) + 4 accuracy(f', PGD(x)) + 2 accuracy(f', x),
/// f' being f after one step of gradient descent on x_a.
struct LasAt : Trainer {
  std::vector<double> radii, steps;
  Pgd attack, judge{{.restarts = 2}};
  float smoothing = 1.f / 3;  // 0.7 for the label, of 10 classes
  Companion policy{"policy", {.architecture = "small_cnn", .every = 20}};
  Sgd trial_rule{{.momentum = 0}};

  ParamLayout choices;
  std::optional<ParamBuffer> values;  ///< "radius", "step": what the policy's outputs stand for
  std::optional<Weights> trial;
  std::optional<ParamBuffer> gradient;
  std::optional<WeightOptimizer> trial_step;

  LasAt() {
    for (int i = 3; i <= 15; ++i) radii.push_back(i / 255.0);
    for (int i = 1; i <= 5; ++i) steps.push_back(i / 255.0);
  }

  void fields(Fields& f) override {
    f("radii", radii, Limits::between(0, 1), "radii to draw from");
    f("steps", steps, Limits::between(0, 1), "step sizes to draw from");
    f.section("attack", attack);
    f.section("judge", judge);
    f("label_smoothing", smoothing, Limits::at_least(0).below(1), "share of the target spread over all classes");
    policy.fields(f);
  }
  std::vector<const Attack*> attacks() const override { return {&attack, &judge}; }
  std::vector<MethodPart> parts() override { return {policy.part()}; }

  void begin(TrainContext& c) override {
    policy.begin(c, static_cast<int64_t>(radii.size() + steps.size()));
    const ParamBuffer& params = c.model.weights().params;
    const auto buffer = [&](const ParamLayout& layout) {
      return ParamBuffer(layout, params.dtype(), c.engine.stream());
    };
    for (const auto& [name, list] : {std::pair{"radius", &radii}, {"step", &steps}})
      choices.add(name, {static_cast<int64_t>(list->size())}, nullptr);
    values.emplace(buffer(choices));
    values->write(0, radii);
    values->write(1, steps);
    trial.emplace(c.model.make_weights(c.engine));
    gradient.emplace(buffer(params.layout()));
    trial_step.emplace(trial->params, trial_rule, c.engine.stream());
  }

  /// Two heads, and what was drawn from each: (N) i32.
  struct Actions {
    Var radii, steps;
    Tensor radius, step;
  };
  Actions act(Tape& tape, const Var& outputs, const Batch& batch, const RngStream& random) const {
    const auto count = static_cast<int64_t>(radii.size());
    Actions a{.radii = columns(tape, outputs, 0, count),
              .steps = columns(tape, outputs, count, static_cast<int64_t>(steps.size()))};
    a.radius = draw_classes(tape.engine(), a.radii.value, batch.ids, random.derive("radius"));
    a.step = draw_classes(tape.engine(), a.steps.value, batch.ids, random.derive("step"));
    return a;
  }
  Tensor attacked(const TrainContext& c, const Batch& batch, const Actions& a, const RngStream& random) const {
    const Classifier classifier(c.model, Pass::eval());
    const PgdPlan plan{.radius = gathered(c.engine, values->view(0), a.radius),
                       .step = gathered(c.engine, values->view(1), a.step)};
    return attack.run({c.engine, batch, classifier, random}, attack.objective(classifier), plan).images;
  }

  Var loss(Tape& tape, const Batch& batch, const TrainContext& c) override {
    const Var outputs{policy.network().predict(c.engine, batch.images, Pass::eval())};
    const Actions a = act(tape, outputs, batch, c.random("policy"));
    const Tensor x_adv = attacked(c, batch, a, c.random("attack"));
    const Var logits = c.model(tape, tape.input(x_adv), Pass::train());
    const Var loss = cross_entropy(tape, logits, batch.labels, Reduction::mean, smoothing);
    c.log("adversarial_loss", loss);
    return loss;
  }

  // [policy]
  void after_step(TrainContext& c, const Batch& batch) override {
    if (!policy.due(c)) return;
    const Arena::Scope scope(c.engine.arena());
    Tape tape(c.engine, Wrt::params);
    const Var outputs = policy.network()(tape, tape.input(batch.images), Pass::train());
    const Actions a = act(tape, outputs, batch, c.random("learning policy"));
    const double r = reward(c, batch, attacked(c, batch, a, c.random("learning attack")));
    const Var minus_log = add(tape, cross_entropy(tape, a.radii, a.radius), cross_entropy(tape, a.steps, a.step));
    policy.descend(c, tape, scale(tape, minus_log, static_cast<float>(r)));
    c.log("reward", r);
  }
  // [policy]

  double reward(const TrainContext& c, const Batch& batch, const Tensor& x_adv) {
    Tape tape(c.engine, Wrt::params);
    const Var now{c.model.predict(c.engine, x_adv, Pass::eval())};
    const double loss = read_scalar(c.engine, cross_entropy(tape, now, batch.labels).value);
    c.model.copy_weights(*trial, c.model.weights());
    Pass pass = Pass::train();
    pass.weights = &*trial;
    tape.backward(cross_entropy(tape, c.model(tape, tape.input(x_adv), pass), batch.labels), *gradient);
    trial_step->prepare(trial_rule.lr);
    trial_step->step(c.engine.stream(), *gradient);
    pass = Pass::eval();
    pass.weights = &*trial;
    const auto accuracy = [&](const Tensor& x) {
      const int64_t right = count_correct(c.engine, c.model.predict(c.engine, x, pass), batch.labels);
      return static_cast<double>(right) / static_cast<double>(batch.size());
    };
    const Classifier judged(c.model, pass);
    const Tensor x_judge = judge.run({c.engine, batch, judged, c.random("judge")}).images;
    return std::min(loss, 10.0) + 4 * accuracy(x_judge) + 2 * accuracy(batch.images);
  }
};

TEMPER_REGISTER(Trainer, LasAt, "las_at", "a policy that learns each image's radius and step size (Jia et al.)");

}  // namespace
