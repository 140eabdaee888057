#include <cmath>

#include "tests/fixtures/devices.h"
#include "tests/fixtures/method_in_f64.h"
#include "tests/fixtures/training_fixture.h"

using namespace temper;
using test::MethodInF64;
using test::numbers_of;

namespace {

const Pass kStill{.update = BnUpdate::no};
const char* const kAlp = "{name: alp, lambda: 2, attack: {radius: 0.02, step: 0.01, steps: 2}}";

/// The loss of ALP in plain loops, of logits (N, classes) of clean and adversarial images.
double alp(const std::vector<double>& clean, const std::vector<double>& adversarial, const std::vector<int32_t>& labels,
           double lambda) {
  const size_t n = labels.size(), classes = clean.size() / n;
  const auto cross_entropy = [&](const std::vector<double>& z) {
    double all = 0;
    for (size_t i = 0; i < n; ++i) {
      double sum = 0;
      for (size_t c = 0; c < classes; ++c) sum += std::exp(z[i * classes + c]);
      all += std::log(sum) - z[i * classes + static_cast<size_t>(labels[i])];
    }
    return all / static_cast<double>(n);
  };
  double squares = 0;
  for (size_t e = 0; e < clean.size(); ++e) squares += (clean[e] - adversarial[e]) * (clean[e] - adversarial[e]);
  return cross_entropy(clean) + cross_entropy(adversarial) + lambda * squares / static_cast<double>(clean.size());
}

}  // namespace

TEST_CASE("alp: loss and gradient are the formula's", "[extension]") {
  MethodInF64 m;
  const Tensor x_adv = m.attacked({.radius = 0.02, .step = 0.01, .steps = 2}, Pass::eval());
  const std::vector<int32_t> labels = {0, 1, 2, 3, 0, 1};
  const auto logits = [&](const Tensor& x) { return numbers_of(m.engine, m.net->predict(m.engine, x, kStill)); };
  const auto expected = [&] {
    const Arena::Scope scope(m.engine.arena());
    return alp(logits(m.batch.images), logits(x_adv), labels, 2);
  };
  CHECK(m.step(kAlp) == Approx(expected()).epsilon(1e-12));
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
      CHECK(got[e] == Approx(numeric).epsilon(1e-5).margin(1e-7));
    }
  }
}

TEMPER_DEVICE_TEST("alp: the logged terms add up to the loss", "[extension][trainers]") {
  Experiment e = test::tiny(kAlp, test::on(device));
  TrainingState state(e, read_splits(e));
  const StepNumbers step = train_step(state, "none");
  std::map<std::string, double> terms;
  for (const auto& [name, value] : step.logged) terms[name] = value;
  CHECK(step.loss ==
        Approx(terms.at("clean_loss") + terms.at("adversarial_loss") + 2 * terms.at("pairing")).epsilon(1e-5));
}
