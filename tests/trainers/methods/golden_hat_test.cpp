// Ten steps of HAT under each of its switches against tests/golden/golden_hat.py, an independent implementation in
// PyTorch.
#include "tests/fixtures/golden_method_fixture.h"
#include "tests/fixtures/temporary_folder.h"

using namespace temper;
using test::GoldenSetting;

namespace {

const std::string kModel = "{name: small_cnn, widths: [6, 8, 10], strides: [1, 2, 2]}";

/// The script's helper, as a file.
std::string file_of_helper(const test::TemporaryFolder& folder) {
  Engine engine({.threads = 1, .compute = DType::f64, .reference_conv = true});
  const auto network = test::network(engine, kModel, {.data = test::kGoldenData, .dtype = DType::f64});
  import_weights(*network, test::Golden("golden_hat").below("helper/"), "golden");
  std::string file = folder.file("helper.safetensors");
  save_weights(*network, file);
  return file;
}

void check_settings(DType dtype, Device device, const test::Closeness& close) {
  const test::TemporaryFolder folder;
  const std::string helper = "{name: hat, helper: {model: " + kModel + ", weights: " + file_of_helper(folder) + "}, ";
  const GoldenSetting settings[] = {
      {.name = "published", .yaml = helper + "attack: {start: gauss001}}", .in_f32 = false},
      {.name = "uniform", .yaml = helper + "attack: {start: uniform_unclipped}}"},
      {.name = "cross_entropy",
       .yaml = helper + "robust_loss: cross_entropy, label_smoothing: 0.125, attack: {start: uniform}}"},
      {.name = "large_batches",
       .yaml = helper + "beta: 3.5, gamma: 1, reach: 3.5, label_smoothing: 0.125, attack_bn: train_no_update, attack: "
                        "{start: uniform}}"}};
  test::check_golden("golden_hat", settings, dtype, device, close);
}

}  // namespace

TEST_CASE("hat follows the PyTorch script in f64", "[golden][hat]") {
  check_settings(DType::f64, Device::cpu, test::Closeness(1e-9));
}

TEMPER_DEVICE_TEST("hat follows the PyTorch script in f32", "[trainers][golden][hat]") {
  check_settings(DType::f32, device, test::Closeness::f32(device));
}
