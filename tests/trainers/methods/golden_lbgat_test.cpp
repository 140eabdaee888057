// Ten steps of LBGAT against tests/golden/golden_lbgat.py, an independent implementation in PyTorch.
#include "tests/fixtures/golden_teachers_fixture.h"

using namespace temper;
using test::Closeness;

namespace {

void check_lbgat(DType dtype, Device device, Closeness close) {
  const test::GoldenNetworks networks("golden_lbgat");
  const auto lbgat = [&](const std::string& options, const std::string& start = "uniform_unclipped") {
    return "{name: lbgat, attack: {radius: 0.031, step: 0.007, steps: 10, start: " + start + "}, " + options + ", " +
           networks.section("natural") + "}";
  };
  // Whether f32 can follow: see the script.
  const test::GoldenSetting settings[] = {
      {"lbgat6", lbgat("beta: 6", "gauss001"), false},
      {"lbgat6_uniform", lbgat("beta: 6")},
      {"lbgat0", lbgat("beta: 0")},
      {"lbgat0_code", lbgat("beta: 0, clean_pass: always, label_smoothing: 0.125")},
  };
  test::check_golden("golden_lbgat", settings, dtype, device, close);
}

}  // namespace

TEST_CASE("lbgat: its steps follow the PyTorch script in f64", "[golden][lbgat]") {
  check_lbgat(DType::f64, Device::cpu, Closeness(1e-9));
}

TEMPER_DEVICE_TEST("lbgat: its steps follow the PyTorch script in f32", "[trainers][golden][lbgat]") {
  check_lbgat(DType::f32, device, Closeness::f32(device));
}
