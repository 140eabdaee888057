// Ten steps of MART under each of its switches against tests/golden/golden_mart.py, an independent implementation in
// PyTorch.
#include "tests/fixtures/golden_method_fixture.h"

using namespace temper;
using test::check_golden;
using test::Closeness;

namespace {

const test::GoldenSetting kSettings[] = {
    {"resnet18", "{name: mart, attack: {steps: 10}}"},
    {"wide_resnet", "{name: mart, beta: 6, attack: {steps: 10}}"},
    {"uniform", "{name: mart, attack: {start: uniform_unclipped}}"},
    {"train_bn", "{name: mart, attack_bn: train, attack: {steps: 10}}"},
    {"no_update", "{name: mart, attack_bn: train_no_update, attack: {start: uniform_unclipped}}"},
    {"smoothing", "{name: mart, label_smoothing: 0.25, attack: {steps: 10}}"}};

}  // namespace

TEST_CASE("mart follows the PyTorch script in f64", "[golden][mart]") {
  check_golden("golden_mart", kSettings, DType::f64, Device::cpu, Closeness(1e-9));
}

TEMPER_DEVICE_TEST("mart follows the PyTorch script in f32", "[trainers][golden][mart]") {
  check_golden("golden_mart", kSettings, DType::f32, device, Closeness::f32(device));
}
