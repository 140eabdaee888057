// FAT: when an image leaves the attack, and that the three forms are the methods they are named after.
#include <numeric>

#include "tests/fixtures/devices.h"
#include "tests/fixtures/method_in_f64.h"
#include "tests/fixtures/training_fixture.h"
#include "trainers/methods/parts/friendly_attack.h"

using namespace temper;
using test::MethodInF64;
using test::numbers_of;

namespace {

constexpr int kSteps = 6;
const PgdOptions kPgd{.radius = 0.1, .step = 0.003, .steps = kSteps};
using Rows = std::vector<std::vector<double>>;

/// A network that is right about all clean images but one, and where PGD has each image after every number of steps.
struct Attacked {
  MethodInF64 m;
  TrainContext context{.engine = m.engine, .model = *m.net, .epoch = 1};
  std::vector<int32_t> labels;
  std::vector<Rows> points;  ///< of PGD after 0, 1, ... steps, by image
  std::vector<std::vector<int32_t>> predicted;

  Attacked() {
    decide();
    labels = predictions_of(m.batch.images);
    labels[4] = (labels[4] + 1) % 4;
    test::write_values(m.engine, m.batch.labels, labels);
    for (int steps = 0; steps <= kSteps; ++steps) {
      PgdOptions shorter = kPgd;
      shorter.steps = steps;
      const Tensor x = m.attacked(shorter, Pass::eval());
      points.push_back(rows(x));
      predicted.push_back(predictions_of(x));
    }
  }
  /// New networks predict the same for every image: has the logits differ, about a mean of 0.
  void decide() {
    const auto scale = [&](const char* name, double by) {
      const int p = m.net->params().find(name);
      std::vector<double> w = m.params().read(p);
      for (double& v : w) v *= by;
      m.params().write(p, w);
    };
    scale("linear.weight", 150);
    scale("linear.bias", 0);
    std::vector<double> bias(4);
    const std::vector<double> logits = numbers_of(m.engine, m.net->predict(m.engine, m.batch.images, Pass::eval()));
    for (size_t i = 0; i < logits.size(); ++i) bias[i % 4] -= logits[i] / MethodInF64::kSamples;
    m.params().write(m.net->params().find("linear.bias"), bias);
  }
  std::vector<int32_t> predictions_of(const Tensor& x) {
    return predictions(m.engine, m.net->predict(m.engine, x, Pass::eval()));
  }
  Rows rows(const Tensor& x) {
    const std::vector<double> all = numbers_of(m.engine, x);
    const size_t size = all.size() / labels.size();
    Rows out;
    for (size_t i = 0; i < labels.size(); ++i) out.emplace_back(all.begin() + i * size, all.begin() + (i + 1) * size);
    return out;
  }
  /// The steps that each image is to make.
  std::vector<int> expected(int tau) const {
    std::vector<int> out;
    for (size_t i = 0; i < labels.size(); ++i) {
      int wrong = 0, step = 0;
      for (; step < kSteps; ++step)
        if ((wrong += predicted[step][i] != labels[i]) > tau) break;
      out.push_back(step);
    }
    return out;
  }
  Tensor friendly(int tau, double noise = 0) {
    FriendlyAttack f;
    static_cast<PgdOptions&>(f.attack.pgd) = kPgd;
    f.tau = tau;
    f.noise = noise;
    f.begin(context);
    context.begin_step();
    return f.images(context, m.batch, FriendlyAttack::Maximised::cross_entropy);
  }
};

std::string fat(const std::string& options, const std::string& start = "uniform") {
  return "{name: fat, noise: 0, milestones: [], " + options +
         ", attack: {radius: 0.3, step: 0.1, steps: 3, start: " + start + "}}";
}

std::vector<double> numbers(const std::string& trainer, Device device) {
  Experiment e = test::tiny(trainer, test::on(device));
  return test::first_steps(e, 3).numbers;
}

}  // namespace

TEST_CASE("fat: an image leaves with the steps it made when the network was wrong tau times before",
          "[trainers][fat]") {
  Attacked a;
  int between = 0;
  for (const int tau : {0, 1, 3, kSteps}) {
    const std::vector<int> steps = a.expected(tau);
    INFO("tau " << tau);
    const Rows got = a.rows(a.friendly(tau));
    for (size_t i = 0; i < steps.size(); ++i) CHECK(got[i] == a.points[static_cast<size_t>(steps[i])][i]);
    between += static_cast<int>(std::count_if(steps.begin(), steps.end(), [](int s) { return s > 0 && s < kSteps; }));
    if (tau == kSteps) CHECK(steps == std::vector<int>(steps.size(), kSteps));
  }
  CHECK(between > 3);
  CHECK(a.expected(0)[4] == 0);
}

TEST_CASE("fat: attack_steps is the mean number of steps of an image", "[trainers][fat]") {
  Attacked a;
  const Tensor places = test::tensor_of(a.m.engine, {StepLog::kMost}, std::vector<double>(StepLog::kMost));
  StepLog log(a.m.engine, places);
  a.context.logged = &log;
  for (const int tau : {0, 2}) {
    log.open();
    a.friendly(tau);
    const Metrics logged = log.read(numbers_of(a.m.engine, places));
    const std::vector<int> steps = a.expected(tau);
    REQUIRE(logged.size() == 1);
    CHECK(logged[0].first == "attack_steps");
    CHECK(logged[0].second == Approx(std::accumulate(steps.begin(), steps.end(), 0.0) / MethodInF64::kSamples));
  }
}

TEST_CASE("fat: noise moves the images that are still attacked, within the ball", "[trainers][fat]") {
  Attacked a;
  const Rows clean = a.rows(a.m.batch.images), calm = a.rows(a.friendly(0)), noisy = a.rows(a.friendly(0, 0.05)),
             same = a.rows(a.friendly(0, 0.05));
  const std::vector<int> steps = a.expected(0);
  CHECK(noisy == same);
  for (size_t i = 0; i < noisy.size(); ++i) {
    CHECK((noisy[i] == calm[i]) == (steps[i] == 0));
    for (size_t e = 0; e < noisy[i].size(); ++e) {
      CHECK(std::abs(noisy[i][e] - clean[i][e]) <= kPgd.radius + 1e-12);
      CHECK((noisy[i][e] >= 0 && noisy[i][e] <= 1));
    }
  }
}

TEST_CASE("fat: tau grows after each milestone, and is what a resumed run needs", "[trainers][fat]") {
  struct Kept : StateVisitor {
    std::vector<int64_t> numbers;
    void operator()(const std::string&, double&) override {}
    void operator()(const std::string& name, int64_t& value) override {
      CHECK(name == "fat.tau");
      numbers.push_back(value);
    }
    void operator()(const std::string&, ParamBuffer&) override {}
  } kept;
  MethodInF64 m;
  TrainContext context{.engine = m.engine, .model = *m.net};
  const auto method = test::make_trainer("{name: fat, tau: 1, milestones: [2, 4]}");
  method->begin(context);
  for (int64_t epoch = 1; epoch <= 6; ++epoch) {
    context.epoch = epoch;
    method->before_epoch(context);
    method->visit_state(kept);
  }
  CHECK(kept.numbers == std::vector<int64_t>{1, 1, 2, 2, 3, 3});
}

TEST_CASE("fat: each loss has the attack of its official code by default", "[trainers][fat]") {
  const auto trainer = [](const std::string& loss) {
    const ConfigNode t = test::tiny("{name: fat, loss: " + loss + "}").resolved["trainer"];
    return cat(t["milestones"].yaml(), " ", t["noise"].text(), " ", t["attack"]["start"].text());
  };
  CHECK(trainer("at") == "[50, 90] 0.001 uniform");
  CHECK(trainer("trades") == "[30, 50, 70] 0 gauss001_clipped");
  CHECK(trainer("mart") == "[20, 40, 60, 80] 0 gauss001_clipped");
  CHECK_THROWS_WITH(test::tiny("{name: fat, loss: friendly}"), ContainsSubstring("trainer.loss"));
  CHECK_THROWS_WITH(test::tiny("{name: fat, tau: -1}"), ContainsSubstring("trainer.tau"));
}

TEMPER_DEVICE_TEST("fat: with tau of attack.steps it is PGD-AT, TRADES and MART, bit for bit", "[trainers][fat]") {
  const std::string attack = ", attack: {radius: 0.3, step: 0.1, steps: 3, start: ";
  CHECK(numbers(fat("tau: 3"), device) == numbers("{name: pgd_at, attack_bn: eval" + attack + "uniform}}", device));
  for (const std::string method : {"trades", "mart"}) {
    INFO(method);
    const std::string own = "{name: " + method + ", beta: 2" + attack + "gauss001}}", loss = "loss: " + method;
    CHECK(numbers(fat(loss + ", beta: 2, tau: 3", "gauss001"), device) == numbers(own, device));
    CHECK(numbers(fat(loss + ", beta: 2, tau: 3, first_pass: adversarial", "gauss001"), device) !=
          numbers(own, device));
  }
}

TEMPER_DEVICE_TEST("fat: the logged terms add up to the loss", "[trainers][fat]") {
  for (const auto& [loss, clean, robust] : {std::tuple{"at", "adversarial_loss", ""},
                                            {"trades", "clean_loss", "kl"},
                                            {"mart", "boosted_loss", "weighted_kl"}}) {
    Experiment e = test::tiny(fat(cat("beta: 3, loss: ", loss)), test::on(device));
    TrainingState state(e, read_splits(e));
    const StepNumbers step = train_step(state, "none");
    std::map<std::string, double> terms;
    for (const auto& [name, value] : step.logged) terms[name] = value;
    INFO(loss);
    CHECK(step.loss == Approx(terms.at(clean) + (*robust ? 3 * terms.at(robust) : 0)).epsilon(1e-5));
    CHECK(terms.at("attack_steps") >= 0);
    CHECK(terms.at("attack_steps") <= 3);
  }
}
