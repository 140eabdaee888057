// ARD, IAD and KD-SWA by hand: which images the teacher sees, what moves the statistics, where a gradient goes.
#include <cmath>

#include "core/ops/elementwise.h"
#include "tests/fixtures/networks.h"
#include "tests/fixtures/tensors.h"
#include "tests/fixtures/training_fixture.h"
#include "trainers/methods/parts/distillation.h"
#include "trainers/methods/parts/introspection.h"

using namespace temper;

namespace {

const std::string kAttack = "attack: {radius: 0.05, step: 0.02, steps: 2}, attack_bn: eval",
                  kTeachers = "teacher: {weights: untrained}, natural_teacher: {weights: untrained}";

struct Setup {
  Experiment experiment;
  TrainingState state;
  explicit Setup(const std::string& method)
      : experiment(test::tiny("{" + method + ", " + kAttack + "}", {"precision.compute=f64"})),
        state(experiment, read_splits(experiment)) {}

  double loss() {
    const Arena::Scope scope(state.engine.arena());
    const Batch batch = state.train.load(1, 0);
    TrainContext context = state.context();
    return experiment.trainer.method->gradients(context, batch, state.gradients());
  }
  std::vector<std::vector<double>> gradient() {
    loss();
    return test::arrays_of(state.trained.at(0).gradient);
  }
  /// Those of the first BatchNorm after a step.
  std::vector<double> running_means() {
    loss();
    return state.network->weights().buffers.read(0);
  }
};

std::string ard(const std::string& options) { return "name: ard, teacher: {weights: untrained}, " + options; }
std::string iad_i(const std::string& options) {
  return "name: iad_i, warm_up: {epochs: 0}, teacher: {weights: untrained}, " + options;
}
std::string iad_ii(const std::string& options) {
  return "name: iad_ii, warm_up: {epochs: 0}, " + kTeachers + ", " + options;
}

double largest_difference(const std::vector<std::vector<double>>& a, const std::vector<std::vector<double>>& b) {
  double worst = 0;
  for (size_t i = 0; i < a.size(); ++i)
    for (size_t e = 0; e < a[i].size(); ++e) worst = std::max(worst, std::abs(a[i][e] - b[i][e]));
  return worst;
}

}  // namespace

TEST_CASE("distillation: T^2 KL of softened logits, and the same gradient as the cross entropy with soft targets",
          "[trainers][distillation]") {
  Engine engine({.threads = 1, .compute = DType::f64});
  const Tensor student = test::tensor_of(engine, {2, 3}, {1, 2, -1, 0.5, -0.5, 3}),
               teacher = test::tensor_of(engine, {2, 3}, {2, -1, 0, 1, 1, 0.25});
  const auto kl_of_row = [](std::vector<double> t, std::vector<double> s, double temperature) {
    const auto softened = [&](std::vector<double> z) {
      double sum = 0;
      for (double& v : z) sum += v = std::exp(v / temperature);
      for (double& v : z) v /= sum;
      return z;
    };
    const std::vector<double> p = softened(t), q = softened(s);
    double kl = 0, entropy = 0;
    for (size_t c = 0; c < 3; ++c) kl += p[c] * std::log(p[c] / q[c]), entropy -= p[c] * std::log(p[c]);
    return std::pair{temperature * temperature * kl, temperature * temperature * entropy};
  };
  for (const float temperature : {1.f, 2.f, 4.f}) {
    const auto [a, entropy_a] = kl_of_row({2, -1, 0}, {1, 2, -1}, temperature);
    const auto [b, entropy_b] = kl_of_row({1, 1, 0.25}, {0.5, -0.5, 3}, temperature);
    const auto value_and_gradient = [&](auto loss) {
      const Tensor into = test::tensor_of(engine, {2, 3}, std::vector<double>(6));
      Tape tape(engine, Wrt::input);
      const Var value = loss(tape, tape.input(student, into));
      tape.backward(value);
      return std::pair{test::numbers_of(engine, value.value), test::numbers_of(engine, into)};
    };
    const auto [kl, d_kl] =
        value_and_gradient([&](Tape& t, const Var& s) { return distillation(t, s, teacher, temperature); });
    const auto [soft, d_soft] =
        value_and_gradient([&](Tape& t, const Var& s) { return soft_distillation(t, s, teacher, temperature); });
    CHECK(kl[0] == Approx((a + b) / 2));
    CHECK(soft[0] == Approx((a + b + entropy_a + entropy_b) / 2));
    CHECK(d_kl[0] != 0);
    for (size_t i = 0; i < d_kl.size(); ++i) CHECK(d_kl[i] == Approx(d_soft[i]));
  }
}

TEST_CASE("ard: alpha 0 is natural training with the clean images' cross entropy", "[trainers][ard]") {
  Experiment natural = test::tiny("{name: standard}", {"precision.compute=f64"});
  TrainingState state(natural, read_splits(natural));
  const Arena::Scope scope(state.engine.arena());
  TrainContext context = state.context();
  const double want = natural.trainer.method->gradients(context, state.train.load(1, 0), state.gradients());
  Setup s(ard("alpha: 0"));
  CHECK(s.loss() == want);
  CHECK(test::arrays_of(s.state.trained[0].gradient) == test::arrays_of(state.trained[0].gradient));
}

TEST_CASE("ard: a mean over elements is smaller by the number of classes", "[trainers][ard]") {
  const double batch = Setup(ard("kl_mean: batch")).loss(), elements = Setup(ard("kl_mean: elements")).loss();
  CHECK(batch > 0);
  CHECK(elements == Approx(batch / 3).epsilon(1e-12));
}

TEST_CASE("ard: the clean images move the statistics if a term needs them, or always", "[trainers][ard]") {
  const std::vector<double> adversarial = Setup(ard("clean_pass: needed")).running_means(),
                            both = Setup(ard("clean_pass: always")).running_means(),
                            needed = Setup(ard("alpha: 0.5")).running_means();
  CHECK(adversarial != both);
  CHECK(both == needed);
  CHECK(Setup(ard("alpha: 0.5, clean_pass: always")).running_means() == needed);
  // The loss is the same: the pass changes nothing else.
  CHECK(Setup(ard("clean_pass: needed")).loss() == Setup(ard("clean_pass: always")).loss());
}

TEST_CASE("iad: the trust is the teacher's probability of the label to the power of beta", "[trainers][iad]") {
  Engine engine({.threads = 1, .compute = DType::f64});
  const Tensor teacher =
      test::tensor_of(engine, {2, 2}, {std::log(0.81), std::log(0.19), std::log(0.75), std::log(0.25)});
  const Tensor labels = engine.arena().tensor({2}, DType::i32);
  test::write_values<int32_t>(engine, labels, {0, 1});
  Introspection introspection(0);
  Tape tape(engine, Wrt::nothing);
  const auto trust = [&](float beta) {
    introspection.beta = beta;
    return test::numbers_of(engine, introspection.trust(tape, teacher, labels).value);
  };
  CHECK(trust(0.5)[0] == Approx(0.9));
  CHECK(trust(0.5)[1] == Approx(0.5));
  CHECK(trust(0) == std::vector<double>{1, 1});
}

TEST_CASE("iad: full trust leaves ARD and the two teachers' distillation, bit for bit", "[trainers][iad]") {
  CHECK(Setup(iad_i("beta: 0")).loss() == Setup(ard("temperature: 1")).loss());
  CHECK(Setup("name: iad_i, warm_up: {epochs: 1}, teacher: {weights: untrained}").gradient() ==
        Setup(ard("temperature: 1")).gradient());
  CHECK(Setup(iad_ii("beta: 0")).loss() == Setup("name: iad_ii, warm_up: {epochs: 1}, " + kTeachers).loss());
  // No pixel is so near the box's border that the start of kd_swa would be clipped, and cross entropies with soft
  // targets have the gradient of KL divergences.
  const std::string kd_swa = "name: kd_swa, temperature: 1, robust_weight: 0.5, natural_weight: 0.25, " + kTeachers;
  CHECK(largest_difference(Setup(iad_ii("beta: 0")).gradient(), Setup(kd_swa).gradient()) < 1e-12);
}

TEST_CASE("iad: the student's own answer takes a gradient on both sides, or on the adversarial one alone",
          "[trainers][iad]") {
  const auto both = Setup(iad_i("beta: 4, introspection_gradient: both_sides")).gradient(),
             one = Setup(iad_i("beta: 4, introspection_gradient: adversarial_only")).gradient();
  CHECK(largest_difference(both, one) > 1e-6);
  CHECK(Setup(iad_i("beta: 4, introspection_gradient: both_sides")).loss() ==
        Setup(iad_i("beta: 4, introspection_gradient: adversarial_only")).loss());
}

TEST_CASE("kd_swa, iad_ii: the labels have what the teachers leave", "[trainers][kd_swa][errors]") {
  const std::string labels_alone = "natural_weight: 0, robust_weight: 0, " + kTeachers;
  const double adversarial = Setup("name: pgd_at").loss();
  CHECK(Setup("name: kd_swa, " + labels_alone).loss() == Approx(adversarial).epsilon(1e-12));
  CHECK(Setup("name: iad_ii, warm_up: {epochs: 1}, " + labels_alone).loss() == Approx(adversarial).epsilon(1e-12));
  CHECK_THROWS_WITH(Setup("name: kd_swa, robust_weight: 0.75, natural_weight: 0.5, " + kTeachers),
                    "tiny.yaml line 6: trainer.natural_weight: expected at most 0.25, because robust_weight is 0.75, "
                    "got 0.5; lower one of the two");
  CHECK_THROWS_WITH(Setup("name: kd_swa, teacher: {weights: untrained}"),
                    ContainsSubstring("trainer.natural_teacher.weights: expected a file of weights"));
}

TEST_CASE("iad_i: the trust weighs the teacher's term only where told", "[trainers][iad]") {
  const double one = Setup(iad_i("beta: 4, teacher_weight: one")).loss(),
               trust = Setup(iad_i("beta: 4, teacher_weight: trust")).loss();
  CHECK(trust < one);
}

TEST_CASE("iad_i: the code's extra passes move the statistics twice as often, and nothing else", "[trainers][iad]") {
  Setup none(iad_i("extra_passes: none")), code(iad_i("extra_passes: code"));
  CHECK(none.gradient() == code.gradient());
  CHECK(none.running_means() != code.running_means());
}
