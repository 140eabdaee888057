#include <cmath>
#include <functional>
#include <numeric>

#include "tests/fixtures/devices.h"
#include "tests/fixtures/method_in_f64.h"
#include "tests/fixtures/training_fixture.h"

using namespace temper;
using test::MethodInF64;
using test::numbers_of;

namespace {

const Pass kStill{.update = BnUpdate::no};

/// The official code's constants, or those given.
struct Constants {
  double margin = 1.0001, weight = 1.0000001, eps = 1e-12;
};

/// The loss of MART in plain loops, of logits (N, classes) of clean and adversarial images.
double mart(const std::vector<double>& clean, const std::vector<double>& adversarial,
            const std::vector<int32_t>& labels, double beta, const Constants& k = {}) {
  const size_t n = labels.size(), classes = clean.size() / n;
  const auto softmax = [&](const std::vector<double>& z, size_t row) {
    std::vector<double> p(z.begin() + row * classes, z.begin() + (row + 1) * classes);
    const double most = *std::max_element(p.begin(), p.end());
    double sum = 0;
    for (double& v : p) sum += v = std::exp(v - most);
    for (double& v : p) v /= sum;
    return p;
  };
  double boosted = 0, weighted = 0;
  for (size_t i = 0; i < n; ++i) {
    const std::vector<double> p = softmax(clean, i), q = softmax(adversarial, i);
    double other = 0, kl = 0;
    for (size_t c = 0; c < classes; ++c) {
      if (static_cast<int32_t>(c) != labels[i]) other = std::max(other, q[c]);
      kl += p[c] * (std::log(p[c]) - std::log(q[c] + k.eps));
    }
    boosted += -std::log(q[labels[i]]) - std::log(k.margin - other + k.eps);
    weighted += kl * (k.weight - p[labels[i]]);
  }
  return (boosted + beta * weighted) / static_cast<double>(n);
}

const char* const kMart = "{name: mart, beta: 6, attack: {radius: 0.02, step: 0.01, steps: 2}}";
const PgdOptions kPgd{.radius = 0.02, .step = 0.01, .steps = 2, .start = PgdOptions::Start::gauss001};

}  // namespace

TEST_CASE("mart: loss and gradient are the formula's, whose constants show where the network is sure",
          "[trainers][mart]") {
  MethodInF64 m;
  const int last = m.net->params().find("linear.weight");
  std::vector<double> sure = m.params().read(last);
  for (double& w : sure) w *= 150;
  m.params().write(last, sure);
  const auto predicted = [&](const Tensor& x) { return predictions(m.engine, m.net->predict(m.engine, x, kStill)); };
  std::vector<int32_t> labels = predicted(m.batch.images);  // the label is on top for some, a runner-up for others
  for (const size_t i : {0, 3}) labels[i] = (labels[i] + 1) % 4;
  test::write_values(m.engine, m.batch.labels, labels);
  const Tensor x_adv = m.attacked(kPgd, Pass::eval());
  const auto logits = [&](const Tensor& x) { return numbers_of(m.engine, m.net->predict(m.engine, x, kStill)); };
  const auto expected = [&](const Constants& k = {}) {
    const Arena::Scope scope(m.engine.arena());
    return mart(logits(m.batch.images), logits(x_adv), labels, 6, k);
  };
  const double loss = m.step(kMart);
  CHECK(loss == Approx(expected()).epsilon(1e-12));
  for (const Constants& other : {Constants{.margin = 1.001}, {.weight = 1.001}, {.eps = 1e-10}})
    CHECK(std::abs(loss - expected(other)) > 1e-8);

  const std::vector<int32_t> found = predicted(x_adv);
  const auto right =
      std::inner_product(found.begin(), found.end(), labels.begin(), 0, std::plus<>(), std::equal_to<>());
  CHECK(right > 0);
  CHECK(right < MethodInF64::kSamples);

  for (int p = 0; p < m.net->params().count(); ++p) {
    const std::vector<double> got = m.gradient.read(p), at = m.params().read(p);
    for (size_t e = 0; e < at.size(); e += 1 + at.size() / 3) {
      const auto moved = [&](double by) {
        std::vector<double> w = at;
        w[e] += by;
        m.params().write(p, w);
        return expected();
      };
      const double h = 1e-6, numeric = (moved(h) - moved(-h)) / (2 * h);
      m.params().write(p, at);
      INFO(m.net->params()[p].name << " " << e);
      CHECK(got[e] == Approx(numeric).epsilon(1e-5).margin(1e-5));
    }
  }
}

TEST_CASE("mart: images mixed from two are refused, because they have no one label", "[trainers][mart]") {
  MethodInF64 m;
  m.batch.other_labels = test::labels_of(m.engine, {1, 2, 3, 0, 1, 2});
  m.batch.other_share =
      test::tensor_of(m.engine, {MethodInF64::kSamples}, std::vector<double>(MethodInF64::kSamples, 0.5));
  CHECK_THROWS_WITH(m.step(kMart), ContainsSubstring("mart: expected one label for each image") &&
                                       ContainsSubstring("leave out the augmentation that mixes them"));
}

TEMPER_DEVICE_TEST("mart: the logged terms add up to the loss", "[trainers][mart]") {
  Experiment e = test::tiny(kMart, test::on(device));
  TrainingState state(e, read_splits(e));
  const StepNumbers step = train_step(state, "none");
  std::map<std::string, double> terms;
  for (const auto& [name, value] : step.logged) terms[name] = value;
  CHECK(step.loss == Approx(terms.at("boosted_loss") + 6 * terms.at("weighted_kl")).epsilon(1e-5));
}
