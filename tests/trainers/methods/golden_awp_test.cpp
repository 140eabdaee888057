// Ten steps with adversarial weight perturbation around methods that differ in what they do with a loss, against
// tests/golden/golden_awp.py.
#include "tests/fixtures/golden_method_fixture.h"

using namespace temper;
using test::GoldenSetting;

namespace {

const std::string kPgd = "attack: {radius: 8/255, step: 2/255, steps: 5}}";
const std::string kUniform = "attack: {start: uniform_unclipped}}";

const GoldenSetting kSettings[] = {
    {.name = "pgd_at", .yaml = "{name: pgd_at, " + kPgd, .awp = "gamma: 0.01"},
    {.name = "pgd_at_before_step",
     .yaml = "{name: pgd_at, attack_bn: eval, " + kPgd,
     .awp = "gamma: 0.25, restore: before_step"},
    {.name = "trades", .yaml = "{name: trades, " + kUniform, .awp = "gamma: 0.005, start: 4"},
    {.name = "trades_code",
     .yaml = "{name: trades, clean_updates: 2, first_pass: adversarial, " + kUniform,
     .awp = "gamma: 0.005, start: 2"},
    {.name = "mart", .yaml = "{name: mart, " + kUniform, .awp = "gamma: 0.01"},
    {.name = "trades_far", .yaml = "{name: trades, " + kUniform, .awp = "gamma: 0.1"},
    {.name = "cure",
     .yaml = "{name: cure, rgp: {alpha: 0.25}, revision: {rate: 0.5, keep: 0.9}, " + kUniform,
     .awp = "gamma: 0.05, start: 3"}};

}  // namespace

TEST_CASE("awp follows the PyTorch script in f64", "[golden][awp]") {
  test::check_golden("golden_awp", kSettings, DType::f64, Device::cpu, test::Closeness(1e-9));
}

TEMPER_DEVICE_TEST("awp follows the PyTorch script in f32", "[trainers][golden][awp]") {
  test::check_golden("golden_awp", kSettings, DType::f32, device, test::Closeness::masked_f32(device));
}
