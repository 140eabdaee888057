// Ten steps of IAD-I and IAD-II against tests/golden/golden_iad.py, an independent implementation in PyTorch.
#include "tests/fixtures/golden_teachers_fixture.h"

using namespace temper;
using test::Closeness;

namespace {

void check_iad(DType dtype, Device device, Closeness close) {
  const test::GoldenNetworks networks("golden_iad");
  const auto iad = [&](const std::string& name, const std::string& options) {
    return "{name: " + name + ", attack: {radius: 8/255, step: 2/255, steps: 10}, " + options + ", " +
           networks.section("teacher") + (name == "iad_ii" ? ", " + networks.section("natural_teacher") : "") + "}";
  };
  const test::GoldenSetting settings[] = {
      {"i", iad("iad_i", "warm_up: {epochs: 0}")},
      {"i_code", iad("iad_i", "warm_up: {epochs: 3}, extra_passes: code")},
      {"i_shared", iad("iad_i",
                       "warm_up: {epochs: 4}, extra_passes: code, alpha: 0.75, temperature: 2, beta: 0.5, "
                       "label_smoothing: 0.125")},
      {"i_trust", iad("iad_i",
                      "warm_up: {epochs: 0}, teacher_weight: trust, introspection_gradient: adversarial_only, beta: "
                      "0.5")},
      {"ii", iad("iad_ii", "warm_up: {epochs: 0}")},
      {"ii_warm", iad("iad_ii",
                      "warm_up: {epochs: 3}, temperature: 2, beta: 0.5, robust_weight: 0.375, natural_weight: 0.5, "
                      "introspection_gradient: adversarial_only")},
  };
  test::check_golden("golden_iad", settings, dtype, device, close);
}

}  // namespace

TEST_CASE("iad: its steps follow the PyTorch script in f64", "[golden][iad]") {
  check_iad(DType::f64, Device::cpu, Closeness(1e-9));
}

TEMPER_DEVICE_TEST("iad: its steps follow the PyTorch script in f32", "[trainers][golden][iad]") {
  check_iad(DType::f32, device, Closeness::f32(device));
}
