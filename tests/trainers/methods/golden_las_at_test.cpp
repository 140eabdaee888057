// Ten steps of LAS-AT, LAS-TRADES and LAS-AWP against tests/golden/golden_las_at.py, an independent implementation in
// PyTorch.
#include "tests/fixtures/golden_method_fixture.h"

using namespace temper;
using test::check_golden;
using test::Closeness;

namespace {

std::string policy(const std::string& optimizer, const std::string& more = "") {
  return "policy: {model: {name: small_cnn, widths: [5, 7], strides: [1, 2]}, weights: " TEMPER_SOURCE_DIR
         "/tests/golden/golden_las_at_policy.npz, optimizer: {" +
         optimizer + "}" + more + "}";
}
std::string reward(const std::string& more) {
  return ", reward: {judge: {radius: 12/255, step: 4/255, steps: 3, restarts: 2}" + more + "}}";
}

const std::string kAt =
    "{name: las_at, attack: {radius: 24/255, steps: 4}, strategy: {radius: [8/255, 16/255, 24/255], steps: [2, 4], "
    "step: [3/255, 8/255]}, ";
const std::string kSmooth = "label_smoothing: 0.25, ", kSmoothTrial = ", max_loss: 1.5, label_smoothing: 0.25";
const std::string kStart = "start_radius: 12/255, ";
const std::string kUnclipped = ", clip: {norm: 0}";

std::string trades(const std::string& start) {
  return "{name: las_trades, attack: {radius: 16/255, steps: 4, start: " + start +
         "}, strategy: {radius: [8/255, 16/255], steps: [2, 4], step: [4/255], beta: [2, 6]}, ";
}
const std::string kSchedule = ", schedule: {name: steps, milestones: [5], factor: 0.1}";

// Whether f32 can follow: see the script.
const test::GoldenSetting kSettings[] = {
    {"las_at", kAt + kSmooth + kStart + policy("lr: 0.5", ", every: 2") + reward(kSmoothTrial)},
    {"las_at_eval", kAt + kSmooth + "start_radius: 0, " + policy("lr: 0.05" + kUnclipped, ", every: 1") +
                        reward(", label_smoothing: 0.25, judge_bn: eval, judge_stop: misclassified")},
    {"las_awp",
     kAt + kStart + "label_smoothing: 0, final_radius: 8/255, " + policy("lr: 0.05" + kUnclipped, ", every: 1") +
         reward(kSmoothTrial + ", robust_weight: 1, clean_weight: 1"),
     false, "gamma: 0.01"},
    {"las_trades", trades("gauss001") + policy("lr: 0.5", kSchedule) + reward(""), false},
    {"las_trades_code",
     trades("uniform_unclipped") + policy("lr: 0.02" + kUnclipped, kSchedule) + reward(", loss_bn: train")}};

}  // namespace

TEST_CASE("las: training follows the PyTorch script in f64", "[golden][las]") {
  check_golden("golden_las_at", kSettings, DType::f64, Device::cpu, Closeness(1e-9));
}

TEMPER_DEVICE_TEST("las: training follows the PyTorch script in f32", "[trainers][golden][las]") {
  check_golden("golden_las_at", kSettings, DType::f32, device, Closeness::f32(device));
}
