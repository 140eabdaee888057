#include "trainers/methods/parts/trades_loss.h"
#include "tests/fixtures/method_in_f64.h"

using namespace temper;
using test::MethodInF64;
using test::numbers_of;

namespace {

struct OnLogits {
  MethodInF64 m;
  TrainContext context{.engine = m.engine, .model = *m.net};
  TradesLoss trades;
  PairedLogits logits(Tape& tape) {
    return train_passes(tape, *m.net, m.batch.images, m.attacked({.radius = 0.1, .step = 0.05}, Pass::eval()));
  }
  /// The loss, and its gradient in m.gradient.
  double loss(const Tensor& betas = {}) {
    Tape tape(m.engine, Wrt::params);
    const Var value = trades(tape, context, m.batch, logits(tape), betas);
    tape.backward(value, m.gradient);
    return numbers_of(m.engine, value.value)[0];
  }
};

}  // namespace

TEST_CASE("trades loss: a weight for each image stands in place of beta", "[trainers]") {
  OnLogits with_beta, with_betas;
  with_beta.trades.beta = 3;
  Engine& engine = with_betas.m.engine;
  const std::vector<double> threes(MethodInF64::kSamples, 3);
  const double loss = with_betas.loss(test::tensor_of(engine, {MethodInF64::kSamples}, threes));
  CHECK(loss == Approx(with_beta.loss()).epsilon(1e-12));
  for (int p = 0; p < with_beta.m.gradient.layout().count(); ++p)
    CHECK(test::difference(with_betas.m.gradient.read(p), with_beta.m.gradient.read(p)) < 1e-12);
}

TEST_CASE("trades loss: each image's KL counts by its own weight", "[trainers]") {
  OnLogits of, other;  // a pass moves the statistics that the attack goes by
  const std::vector<double> betas = {5, 0, 7.5, 1, 9, 0.25};
  std::vector<double> kl;
  double clean = 0;
  {
    Engine& engine = other.m.engine;
    Tape tape(engine, Wrt::nothing);
    const PairedLogits logits = other.logits(tape);
    kl = numbers_of(engine, kl_divergence(tape, logits.adversarial, logits.clean, Reduction::none).value);
    clean = numbers_of(engine, cross_entropy(tape, logits.clean, other.m.batch.labels).value)[0];
  }
  double want = clean;
  for (size_t i = 0; i < kl.size(); ++i) want += betas[i] * kl[i] / static_cast<double>(kl.size());
  CHECK(of.loss(test::tensor_of(of.m.engine, {MethodInF64::kSamples}, betas)) == Approx(want).epsilon(1e-12));
  CHECK(want > clean + 1e-6);
}
