#include "trainers/methods/parts/paired_logits.h"
#include "tests/fixtures/method_in_f64.h"

using namespace temper;
using test::numbers_of;

namespace {

struct Passes {
  std::vector<double> clean, adversarial, mean;  ///< mean: a running one of the first BatchNorm
};

Passes passes(FirstPass first) {
  test::MethodInF64 m;
  const Tensor x_adv = m.attacked({.radius = 0.2, .step = 0.1}, Pass::eval());
  Tape tape(m.engine, Wrt::params);
  const PairedLogits logits = train_passes(tape, *m.net, m.batch.images, x_adv, first);
  const ParamBuffer& statistics = m.net->weights().buffers;
  return {numbers_of(m.engine, logits.clean.value), numbers_of(m.engine, logits.adversarial.value), statistics.read(0)};
}

}  // namespace

TEST_CASE("train passes: the order changes the running statistics alone", "[trainers]") {
  const Passes clean_first = passes(FirstPass::clean), adversarial_first = passes(FirstPass::adversarial);
  CHECK(clean_first.clean == adversarial_first.clean);
  CHECK(clean_first.adversarial == adversarial_first.adversarial);
  CHECK(clean_first.clean != clean_first.adversarial);
  CHECK(clean_first.mean != adversarial_first.mean);
}
