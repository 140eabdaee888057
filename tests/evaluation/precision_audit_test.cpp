#include "evaluation/precision_audit.h"

#include "attacks/pgd.h"
#include "core/convolution/conv.h"
#include "tests/fixtures/devices.h"
#include "tests/fixtures/networks.h"
#include "tests/fixtures/training_fixture.h"

using namespace temper;

namespace {

const Network::Options kOptions{.data = {8, 8, 1, 3}, .seed = 4};

struct Side {
  Engine engine;
  std::unique_ptr<Network> network;
  explicit Side(Device device, DType compute = DType::f32, float loss_scale = 1)
      : engine({.device = device, .threads = 1, .compute = compute, .loss_scale = loss_scale, .arena_mb = 64}),
        network(test::network(engine, "{name: test_net}", kOptions)) {}
  PrecisionSide view() { return {engine, *network, Pass::eval()}; }
};

PrecisionAudit audit(Side& a, Side& b) {
  const ImageSet set = Registry<DatasetReader>::instance().make("test_stripes")->train();
  const Pgd pgd({.radius = 0.05, .step = 0.02, .steps = 3});
  return audit_precision(a.view(), b.view(), set, pgd, 16);
}

}  // namespace

TEMPER_DEVICE_TEST("Two engines of one precision agree in everything", "[evaluation][audit]") {
  Side a(device), b(device);
  const PrecisionAudit r = audit(a, b);
  CHECK(r.images == 60);
  for (const auto& g : {r.clean, r.adversarial}) {
    CHECK(g.same_sign == Approx(1));
    CHECK(g.cosine == Approx(1));
    CHECK(g.zero == g.zero_reference);
  }
  CHECK(r.same_label == Approx(100));
  CHECK(r.loss == r.loss_reference);
  CHECK(r.robust == r.robust_reference);
}

TEMPER_DEVICE_TEST("A side without gradients is found out", "[evaluation][audit]") {
  Side a(device), dead(device);
  ParamBuffer& params = dead.network->weights().params;
  const int conv1 = params.layout().find("conv1.weight");
  params.write(conv1, std::vector<double>(static_cast<size_t>(params.layout()[conv1].shape.numel()), 0.0));
  params.bump_version();
  const PrecisionAudit r = audit(a, dead);
  CHECK(r.clean.zero == Approx(1));
  CHECK(r.clean.zero_reference < 0.5);
  CHECK(r.clean.same_sign == Approx(r.clean.zero_reference));
  CHECK(r.clean.cosine < 0.5);
  // Its attack never leaves the random start, so the reference's loses less to it than to its own.
  CHECK(r.loss < r.loss_reference);
  CHECK(r.robust >= r.robust_reference);
}

TEMPER_DEVICE_TEST("bf16 keeps most signs of the gradient", "[evaluation][audit]") {
  if (device == Device::cpu && !make_cpu_conv()->supports(DType::bf16))
    TEMPER_SKIP_ON_HOST("no bf16 convolutions for this processor");
  Side a(device), b(device, DType::bf16);
  const PrecisionAudit r = audit(a, b);
  CHECK(r.clean.same_sign > 0.9);
  CHECK(r.clean.same_sign < 1);
  CHECK(r.clean.cosine > 0.95);
  CHECK(r.loss == Approx(r.loss_reference).epsilon(0.05));
}

TEMPER_DEVICE_TEST("f16 keeps nearly all signs of the gradient, and a loss scale keeps gradients from vanishing",
                   "[evaluation][audit]") {
  Side a(device), b(device, DType::f16, 1024), far_too_small(device, DType::f16, 0x1p-20f), bf16(device, DType::bf16);
  const PrecisionAudit r = audit(a, b);
  CHECK(r.clean.same_sign > 0.98);
  CHECK(r.clean.same_sign < 1);
  CHECK(r.clean.cosine > 0.99);
  CHECK(r.loss == Approx(r.loss_reference).epsilon(0.01));
  CHECK(r.clean.zero < r.clean.zero_reference + 0.01);
  if (bf16.engine.conv().supports(DType::bf16)) CHECK(r.clean.cosine > audit(a, bf16).clean.cosine);
  CHECK(audit(a, far_too_small).clean.zero > 0.5);
}
