// Ten steps of FAT in its three forms against tests/golden/golden_fat.py, an independent implementation in PyTorch.
#include "tests/fixtures/golden_method_fixture.h"

using namespace temper;
using test::check_golden;
using test::Closeness;

namespace {

std::string fat(const std::string& options, const std::string& attack = "steps: 10") {
  return "{name: fat, " + options + ", attack: {" + attack + "}}";
}

const test::GoldenSetting kSettings[] = {
    {"at", fat("milestones: [3, 6]")},
    {"at_noisy", fat("noise: 0.01, tau: 1, label_smoothing: 0.125")},
    {"at_train_bn", fat("attack_bn: train, milestones: [3]")},
    {"trades", fat("loss: trades, milestones: [2, 5, 8]")},
    {"trades_wide", fat("loss: trades, beta: 1, noise: 0.002, tau: 2, milestones: []", "start: uniform_unclipped")},
    {"mart", fat("loss: mart, first_pass: adversarial, milestones: [2, 4, 6, 8]")},
    {"mart_clean_first", fat("loss: mart, tau: 10, milestones: []")}};

}  // namespace

TEST_CASE("fat follows the PyTorch script in f64", "[golden][fat]") {
  check_golden("golden_fat", kSettings, DType::f64, Device::cpu, Closeness(1e-9));
}

TEMPER_DEVICE_TEST("fat follows the PyTorch script in f32", "[trainers][golden][fat]") {
  check_golden("golden_fat", kSettings, DType::f32, device, Closeness::f32(device));
}
