// Ten steps of ARD against tests/golden/golden_ard.py, an independent implementation in PyTorch.
#include "tests/fixtures/golden_teachers_fixture.h"

using namespace temper;
using test::Closeness;

namespace {

void check_ard(DType dtype, Device device, Closeness close) {
  const test::GoldenNetworks networks("golden_ard");
  const auto ard = [&](const std::string& options) {
    return "{name: ard, attack: {radius: 8/255, step: 2/255, steps: 10}, " + options + networks.section("teacher") +
           "}";
  };
  const test::GoldenSetting settings[] = {
      {"paper", ard("")},
      {"code", ard("kl_mean: elements, clean_pass: always, ")},
      {"shared", ard("alpha: 0.75, temperature: 4, label_smoothing: 0.125, ")},
      {"hot_labels", ard("alpha: 0, ")},
  };
  test::check_golden("golden_ard", settings, dtype, device, close);
}

}  // namespace

TEST_CASE("ard: its steps follow the PyTorch script in f64", "[golden][ard]") {
  check_ard(DType::f64, Device::cpu, Closeness(1e-9));
}

TEMPER_DEVICE_TEST("ard: its steps follow the PyTorch script in f32", "[trainers][golden][ard]") {
  check_ard(DType::f32, device, Closeness::f32(device));
}
