// Logits and gradients of whole networks, of every kind and in every type a device computes in, against f64.
#include "attacks/pgd.h"
#include "core/ops/loss.h"
#include "tests/fixtures/devices.h"
#include "tests/fixtures/networks.h"

using namespace temper;
using test::images;
using test::network;
using test::numbers_of;
using test::relative_difference;

namespace {

struct Gradients {
  std::vector<double> logits, params, image;
};

/// Logits and gradients of parameters with batch statistics, gradient of the images with running ones, of a network
/// that has made a few steps of its statistics.
Gradients gradients(const EngineOptions& options, const std::string& model, const std::vector<std::string>& branches) {
  const DataShape data{.height = 8, .width = 8, .channels = 3, .classes = 5};
  Engine engine(options);
  const DType full = test::full_type(engine);
  const auto net = network(
      engine, model,
      {.data = data, .mean = {0.4, 0.5, 0.6}, .std = {0.25, 0.2, 0.3}, .branches = branches, .dtype = full, .seed = 2});
  const int branch = static_cast<int>(branches.size()) - 1;
  const Tensor x = images(engine, 6, data), labels = test::labels_of(engine, {0, 1, 2, 3, 4, 0});
  Gradients out;
  ParamBuffer grads(net->params(), full, engine.stream());
  {
    Tape tape(engine, Wrt::params);
    const Var y = (*net)(tape, tape.input(x), {.momentum = 0.5, .branch = branch});
    out.logits = numbers_of(engine, y.value);
    tape.backward(cross_entropy(tape, y, labels), grads);
  }
  for (int i = 0; i < net->params().count(); ++i)
    for (const double v : grads.read(i)) out.params.push_back(v);
  Tape tape(engine, Wrt::input);
  const Var in = tape.input(x);
  tape.backward(cross_entropy(tape, (*net)(tape, in, Pass::eval(branch)), labels));
  out.image = numbers_of(engine, tape.grad(in));
  return out;
}

void check_near(const Gradients& got, const Gradients& want, double tolerance) {
  CHECK(relative_difference(got.logits, want.logits) < tolerance);
  CHECK(relative_difference(got.params, want.params) < tolerance);
  CHECK(relative_difference(got.image, want.image) < tolerance);
}

const EngineOptions kProof{.compute = DType::f64, .arena_mb = 512, .reference_conv = true};

}  // namespace

TEMPER_DEVICE_TEST("networks of every kind have the logits and gradients of f64", "[networks]") {
  for (const char* model : {"{name: resnet20, shortcut: projection}", "{name: small_resnet, widths: [8, 16]}",
                            "{name: wide_resnet, depth: 10, width: 1}", "{name: small_cnn}",
                            "{name: deepmind_wide_resnet, depth: 10, width: 1}"}) {
    INFO(model);
    check_near(gradients({.device = device, .arena_mb = 256}, model, {"main"}), gradients(kProof, model, {"main"}),
               1e-4);
  }
  INFO("split BatchNorm");
  const std::string split = "{name: small_resnet, widths: [8, 16]}";
  check_near(gradients({.device = device, .arena_mb = 256}, split, {"clean", "adv"}),
             gradients(kProof, split, {"clean", "adv"}), 1e-4);
}

TEMPER_DEVICE_TEST("networks in fewer bits have nearly the logits and gradients of f64", "[networks]") {
  struct Case {
    DType compute;
    double tolerance;
    ConvPlanning planning = {};
  };
  std::vector<Case> cases = {{DType::f16, 0.1}};
  if (device == Device::cuda || make_cpu_conv()->supports(DType::bf16)) cases.push_back({DType::bf16, 0.5});
  if (device == Device::cuda) {
    cases.push_back({DType::f32, 0.1, {.math = ConvMath::tf32}});
    cases.push_back({DType::bf16, 0.5, {.statistics = BatchStatistics::fused}});
  }
  const std::string model = "{name: small_resnet, widths: [8, 16]}";
  const Gradients want = gradients(kProof, model, {"main"});
  for (const Case& c : cases) {
    CAPTURE(c.compute, static_cast<int>(c.planning.math), static_cast<int>(c.planning.statistics));
    const Gradients got =
        gradients({.device = device, .compute = c.compute, .arena_mb = 256, .planning = c.planning}, model, {"main"});
    check_near(got, want, c.tolerance);
    CHECK(relative_difference(got.logits, want.logits) > 1e-6);  // or it was not in fewer bits
  }
}

namespace {

void check_narrow_logits(Device device, DType compute, double tolerance) {
  Engine full({.device = device, .arena_mb = 128}), half({.device = device, .compute = compute, .arena_mb = 128});
  const DataShape data{.height = 8, .width = 8};
  const auto a = network(full, "{name: small_resnet}", {.data = data});
  const auto b = network(half, "{name: small_resnet}", {.data = data});
  const Tensor x = images(full, 4, data), same = images(half, 4, data);
  for (const Pass& pass : {Pass::eval(), Pass{.update = BnUpdate::no}}) {
    const Tensor y = b->predict(half, same, pass);
    CHECK(y.dtype == DType::f32);
    const double difference =
        test::largest_difference(numbers_of(full, a->predict(full, x, pass)), numbers_of(half, y));
    CHECK(difference < tolerance);
    CHECK(difference > 0);
  }
}

}  // namespace

TEMPER_DEVICE_TEST("f16 networks give f32 logits near those of f32", "[networks]") {
  check_narrow_logits(device, DType::f16, 0.006);
}

TEMPER_DEVICE_TEST("bf16 networks give f32 logits near those of f32", "[networks]") {
  if (device == Device::cpu && !make_cpu_conv()->supports(DType::bf16))
    TEMPER_SKIP_ON_HOST("no bf16 convolutions for this processor");
  check_narrow_logits(device, DType::bf16, 0.05);
}

namespace {

/// What PGD-10 with running statistics makes of eight images, on a residual network that has moved its statistics.
std::vector<double> attacked(const EngineOptions& options) {
  const DataShape data{.height = 8, .width = 8, .channels = 3, .classes = 5};
  Engine engine(options);
  const auto net = network(engine, "{name: small_resnet, widths: [8, 16]}",
                           {.data = data, .dtype = test::full_type(engine), .seed = 2});
  const Batch batch{.images = images(engine, 8, data),
                    .labels = test::labels_of(engine, {0, 1, 2, 3, 4, 0, 1, 2}),
                    .ids = test::labels_of(engine, {0, 1, 2, 3, 4, 5, 6, 7})};
  for (int i = 0; i < 3; ++i) net->predict(engine, batch.images, Pass::train());
  const Pgd pgd({.radius = 8.0 / 255, .step = 2.0 / 255, .steps = 10});
  return numbers_of(engine, pgd.run({engine, batch, {*net, Pass::eval()}, RngStream(engine.seed())}).images);
}

}  // namespace

TEMPER_DEVICE_TEST("attacks on a residual network find nearly the pixels that f64 finds", "[attacks]") {
  const std::vector<double> want = attacked(kProof);
  const auto share_of_equal = [&](DType compute) {
    const std::vector<double> got = attacked({.device = device, .compute = compute, .arena_mb = 64});
    int64_t equal = 0;
    for (size_t i = 0; i < want.size(); ++i) equal += std::abs(got[i] - want[i]) < 1e-5;
    return static_cast<double>(equal) / static_cast<double>(want.size());
  };
  CHECK(share_of_equal(DType::f32) > 0.995);
  CHECK(share_of_equal(DType::f16) > 0.97);
  if (device == Device::cuda || make_cpu_conv()->supports(DType::bf16)) CHECK(share_of_equal(DType::bf16) > 0.8);
}
