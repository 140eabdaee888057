#include <cmath>

#include "core/ops/loss.h"
#include "tests/fixtures/devices.h"
#include "tests/fixtures/method_in_f64.h"

using namespace temper;
using test::MethodInF64;
using test::numbers_of;

namespace {

const std::string kAttack = "attack: {radius: 0.1, step: 0.05, steps: 2}}";
const PgdOptions kPgd{.radius = 0.1, .step = 0.05, .steps = 2};

/// The loss of images at weights `at`, and its gradient.
double gradient_at(MethodInF64& m, Weights& at, const Tensor& x, BnUpdate update, ParamBuffer& into) {
  Tape tape(m.engine, Wrt::params);
  const Var loss =
      cross_entropy(tape, (*m.net)(tape, tape.input(x), {.update = update, .weights = &at}), m.batch.labels);
  tape.backward(loss, into);
  return numbers_of(m.engine, loss.value)[0];
}

double norm(const std::vector<double>& v) {
  double sum = 0;
  for (const double x : v) sum += x * x;
  return std::sqrt(sum);
}

}  // namespace

TEST_CASE("awp: the gradient is that at weights moved by gamma of each tensor's norm along its gradient",
          "[extension]") {
  MethodInF64 m;
  Weights moved = m.net->make_weights(m.engine);
  m.net->copy_weights(moved, m.net->weights());
  const Tensor x_adv = m.attacked(kPgd, Pass::eval());
  ParamBuffer want(m.net->params(), DType::f64, m.engine.stream());
  gradient_at(m, m.net->weights(), x_adv, BnUpdate::no, want);
  int perturbed = 0;
  for (int p = 0; p < m.net->params().count(); ++p) {
    if (m.net->params()[p].shape.rank() < 2) continue;
    std::vector<double> w = m.params().read(p);
    const std::vector<double> g = want.read(p);
    const double length = 0.25 * norm(w) / norm(g);
    for (size_t e = 0; e < w.size(); ++e) w[e] += length * g[e];
    moved.params.write(p, w);
    ++perturbed;
  }
  CHECK(perturbed == 3);  // two convolutions and the linear layer
  const double loss = gradient_at(m, moved, x_adv, BnUpdate::yes, want);

  const std::vector<double> before = numbers_of(m.engine, m.params().all());
  CHECK(m.step("{name: awp, gamma: 0.25, attack_bn: eval, " + kAttack) == Approx(loss).epsilon(1e-10));
  CHECK(test::largest_difference(numbers_of(m.engine, m.gradient.all()), numbers_of(m.engine, want.all())) < 1e-9);
  CHECK(numbers_of(m.engine, m.params().all()) == before);
  CHECK(test::largest_difference(numbers_of(m.engine, m.net->weights().buffers.all()),
                                 numbers_of(m.engine, moved.buffers.all())) < 1e-12);
}

TEST_CASE("awp: without a perturbation it is PGD adversarial training", "[extension]") {
  MethodInF64 awp, pgd_at;
  CHECK(awp.step("{name: awp, gamma: 0, " + kAttack) == pgd_at.step("{name: pgd_at, " + kAttack));
  CHECK(numbers_of(awp.engine, awp.gradient.all()) == numbers_of(pgd_at.engine, pgd_at.gradient.all()));
  CHECK(numbers_of(awp.engine, awp.net->weights().buffers.all()) ==
        numbers_of(pgd_at.engine, pgd_at.net->weights().buffers.all()));
}
