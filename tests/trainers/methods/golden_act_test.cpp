// Ten steps of ACT against tests/golden/golden_act.py, an independent implementation in PyTorch.
#include "tests/fixtures/golden_teachers_fixture.h"

using namespace temper;
using test::Closeness;

namespace {

void check_act(DType dtype, Device device, Closeness close) {
  const test::GoldenNetworks networks("golden_act");
  const auto act = [&](const std::string& options, const std::string& start = "uniform_unclipped") {
    return "{name: act, attack: {radius: 0.031, step: 0.007, steps: 10, start: " + start + "}, " + options +
           networks.section("natural") + "}";
  };
  const test::GoldenSetting settings[] = {
      {"default", act("", "gauss001")},
      {"uniform", act("")},
      {"sum", act("robust_alpha: 0.5, natural_alpha: 0.25, attack_cross_entropy: sum, ")},
      {"train", act("robust_alpha: 0.25, temperature: 2, attack_bn: train, ")},
      {"smoothing", act("natural_alpha: 0, label_smoothing: 0.125, ")},
  };
  test::check_golden("golden_act", settings, dtype, device, close);
}

}  // namespace

TEST_CASE("act: its steps follow the PyTorch script in f64", "[golden][act]") {
  check_act(DType::f64, Device::cpu, Closeness(1e-9));
}

TEMPER_DEVICE_TEST("act: its steps follow the PyTorch script in f32", "[trainers][golden][act]") {
  check_act(DType::f32, device, Closeness::f32(device));
}
