#include <cmath>
#include <limits>

#include "core/host.h"
#include "core/ops/loss.h"
#include "kernels/runtime/dtype.h"
#include "tests/fixtures/devices.h"
#include "tests/fixtures/networks.h"
#include "tests/fixtures/training_fixture.h"
#include "trainers/loop/train_step.h"
#include "trainers/loop/validate.h"

using namespace temper;

namespace {

float16 from_bits(int bits) {
  float16 h;
  h.bits = static_cast<uint16_t>(bits);
  return h;
}

/// By the standard's text: sign, 5 bits of exponent, 10 of mantissa.
double value(int bits) {
  const int e = bits >> 10 & 31, m = bits & 1023;
  return (bits & 0x8000 ? -1 : 1) * (e == 0 ? std::ldexp(m, -24) : std::ldexp(1024 + m, e - 25));
}

}  // namespace

TEST_CASE("float16 reads every number and rounds to nearest even", "[dtype]") {
  int wrong = 0;
  for (int bits = 0; bits < 0x10000; ++bits) {
    if ((bits >> 10 & 31) == 31) continue;
    wrong += float(from_bits(bits)) != value(bits);
    wrong += float16(static_cast<float>(value(bits))).bits != bits;
  }
  CHECK(wrong == 0);
  // Halfway between two neighbours: the even one; a float to either side of that: the nearer one.
  for (int bits = 0; bits < 0x7bff; ++bits) {
    const float half = static_cast<float>((value(bits) + value(bits + 1)) / 2);
    wrong += float16(half).bits != (bits % 2 == 0 ? bits : bits + 1);
    wrong += float16(std::nextafter(half, 0.f)).bits != bits;
    wrong += float16(std::nextafter(half, 1e9f)).bits != bits + 1;
    wrong += float16(-half).bits != (0x8000 | (bits % 2 == 0 ? bits : bits + 1));
  }
  CHECK(wrong == 0);
}

TEST_CASE("float16 beyond its range", "[dtype]") {
  const float inf = std::numeric_limits<float>::infinity();
  CHECK(float16(65519.99f).bits == 0x7bff);
  CHECK(float16(65520.f).bits == 0x7c00);
  CHECK(float16(1e30f).bits == 0x7c00);
  CHECK(float16(-inf).bits == 0xfc00);
  CHECK(float(from_bits(0x7c00)) == inf);
  CHECK(float(from_bits(0xfc00)) == -inf);
  CHECK(std::isnan(float(float16(std::nanf("")))));
  CHECK(float16(2e-8f).bits == 0);
}

TEMPER_DEVICE_TEST("a loss scale changes no gradient that can be represented", "[ops][tape]") {
  const Network::Options options{.data = {8, 8, 1, 3}, .seed = 4};
  const auto gradients = [&](float scale, Wrt wrt) {
    Engine engine({.device = device, .threads = 1, .loss_scale = scale, .arena_mb = 64});
    const auto network = test::network(engine, "{name: test_net}", options);
    ParamBuffer grads(network->params(), DType::f32, engine.stream());
    Tape tape(engine, wrt);
    std::vector<double> images(2 * 8 * 8);
    for (size_t i = 0; i < images.size(); ++i) images[i] = static_cast<double>(i % 7) / 7;
    const Var x = tape.input(test::tensor_of(engine, {2, 8, 8, 1}, images));
    const Var loss =
        cross_entropy(tape, (*network)(tape, x, Pass::train()), test::labels_of(engine, {0, 2}), Reduction::mean);
    for (int i = 0; i < 2; ++i)
      if (wrt == Wrt::params)
        tape.backward(loss, grads);
      else
        tape.backward(loss);
    return test::values_of<float>(engine, wrt == Wrt::params ? grads.all() : tape.grad(x));
  };
  for (const Wrt wrt : {Wrt::params, Wrt::input}) {
    const std::vector<float> plain = gradients(1, wrt);
    CHECK(*std::max_element(plain.begin(), plain.end()) > 0);
    CHECK(gradients(1024, wrt) == plain);
  }
}

TEST_CASE("f16: its loss scale reaches the engine, and that of others is 1") {
  const auto scale = [](const std::vector<std::string>& set) {
    return test::tiny(test::kPgdAt, set).engine_options().loss_scale;
  };
  CHECK(scale({"precision.compute=f16"}) == 0);  // chosen on the way
  CHECK(scale({"precision.compute=f16", "precision.loss_scale=256"}) == 256);
  CHECK(scale({"precision.compute=bf16"}) == 1);
}

namespace {

const std::string kMet = "met a gradient of the images that is not finite";
const std::string kLower =
    ": an intermediate value overflowed f16; lower precision.loss_scale (now 16777216), or use "
    "precision.compute: bf16";

std::vector<std::string> f16(const std::string& scale) {
  return {"precision.compute=f16", "precision.loss_scale=" + scale};
}

}  // namespace

TEMPER_DEVICE_TEST("f16: a step whose attack left the range stops, and leaves weights alone", "[trainers][f16]") {
  Experiment e = test::tiny(test::kPgdAt, test::on(device, f16("16777216")));
  TrainingState state(e, read_splits(e));
  const std::vector<double> before = state.network->weights().params.read(0);
  CHECK_THROWS_WITH(train_step(state, "none"), "training: an attack of pgd_at " + kMet + " in epoch 1, step 1 of 6" +
                                                   kLower + ". There is no checkpoint yet");
  CHECK(state.network->weights().params.read(0) == before);
  CHECK(host_indices(state.engine, state.engine.attack_tally()) == std::vector<int32_t>{0, 0, 0});
}

TEMPER_DEVICE_TEST("f16: an evaluation whose attack left the range stops", "[trainers][f16]") {
  const auto accuracy = [&](const std::string& scale) {
    Experiment e = test::tiny(test::kPgdAt, test::on(device, f16(scale)));
    TrainingState state(e, read_splits(e));
    test::Recorder nobody;
    return validate(state, nullptr, nobody).robust;
  };
  CHECK_THROWS_WITH(accuracy("16777216"),
                    ContainsSubstring("PGD linf: radius 0.05") && ContainsSubstring(": " + kMet + kLower));
  CHECK(accuracy("1024") >= 0);
}

TEMPER_DEVICE_TEST("f16: a gradient within the range is no fault", "[trainers][f16]") {
  Experiment e = test::tiny(test::kPgdAt, test::on(device, f16("1024")));
  TrainingState state(e, read_splits(e));
  CHECK(std::isfinite(train_step(state, "none").loss));
}
