// Ten steps of ST-AT under each of its switches against tests/golden/golden_st_at.py, an independent implementation in
// PyTorch.
#include "tests/fixtures/golden_method_fixture.h"

using namespace temper;
using test::Closeness;

namespace {

std::string st_at(const std::string& options, const std::string& start = "uniform_unclipped") {
  return "{name: st_at, attack: {radius: 8/255, step: 2/255, steps: 10, start: " + start + "}, " + options + "}";
}

const test::GoldenSetting kSettings[] = {
    {"default", st_at("beta: 6", "gauss001")},
    {"uniform", st_at("beta: 6")},
    {"both_sides", st_at("kl_gradient: both_sides")},
    {"eval", st_at("attack_bn: eval")},
    {"train", st_at("attack_bn: train")},
    {"exchange", st_at("exchange: with_clean", "gauss001"), false},  // in f32 a sign flips: see the script
    {"smoothing", st_at("beta: 1, label_smoothing: 0.125"), false},
};

}  // namespace

TEST_CASE("st_at: its steps follow the PyTorch script in f64", "[golden][st_at]") {
  test::check_golden("golden_st_at", kSettings, DType::f64, Device::cpu, Closeness(1e-9));
}

TEMPER_DEVICE_TEST("st_at: its steps follow the PyTorch script in f32", "[trainers][golden][st_at]") {
  test::check_golden("golden_st_at", kSettings, DType::f32, device, Closeness::f32(device));
}
