// Ten steps of KD-SWA's distillation against tests/golden/golden_kd_swa.py, an independent implementation in PyTorch.
#include "tests/fixtures/golden_teachers_fixture.h"

using namespace temper;
using test::Closeness;

namespace {

void check_kd_swa(DType dtype, Device device, Closeness close) {
  const test::GoldenNetworks networks("golden_kd_swa");
  const auto kd_swa = [&](const std::string& options) {
    return "{name: kd_swa, attack: {radius: 8/255, step: 2/255, steps: 10}, " + options + networks.section("teacher") +
           ", " + networks.section("natural_teacher") + "}";
  };
  const test::GoldenSetting settings[] = {
      {"code", kd_swa("")},
      {"akd2", kd_swa("temperature: 1, robust_weight: 0.5, natural_weight: 0.25, label_smoothing: 0.125, ")},
      {"soft_only", kd_swa("temperature: 4, robust_weight: 0.75, natural_weight: 0.25, ")},
  };
  test::check_golden("golden_kd_swa", settings, dtype, device, close);
}

}  // namespace

TEST_CASE("kd_swa: its steps follow the PyTorch script in f64", "[golden][kd_swa]") {
  check_kd_swa(DType::f64, Device::cpu, Closeness(1e-9));
}

TEMPER_DEVICE_TEST("kd_swa: its steps follow the PyTorch script in f32", "[trainers][golden][kd_swa]") {
  check_kd_swa(DType::f32, device, Closeness::f32(device));
}
