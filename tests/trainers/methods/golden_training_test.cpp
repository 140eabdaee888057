// Ten steps of every method against tests/golden/golden_training.py, an independent implementation in PyTorch.
#include "tests/fixtures/golden_method_fixture.h"

using namespace temper;
using test::check_golden;
using test::Closeness;
using test::Golden;
using test::kGoldenBatch;

namespace {

// Whether f32 can follow: see the script.
const test::GoldenSetting kSettings[] = {
    {"standard", "{name: standard}"},
    {"pgd_at_eval", "{name: pgd_at, attack_bn: eval, attack: {radius: 8/255, step: 2/255, steps: 5}}"},
    {"pgd_at_train", "{name: pgd_at, attack_bn: train, attack: {radius: 8/255, step: 2/255, steps: 5}}"},
    {"trades", "{name: trades, beta: 6, attack: {radius: 0.031, step: 0.007, steps: 10, start: gauss001}}", false},
    {"trades_uniform",
     "{name: trades, beta: 6, attack: {radius: 0.031, step: 0.007, steps: 10, start: uniform_unclipped}}"}};

}  // namespace

TEST_CASE("training follows the PyTorch script in f64", "[golden]") {
  check_golden("golden_training", kSettings, DType::f64, Device::cpu, Closeness(1e-9));
}

TEMPER_DEVICE_TEST("training follows the PyTorch script in f32", "[trainers][golden]") {
  check_golden("golden_training", kSettings, DType::f32, device, Closeness::f32(device));
}

TEST_CASE("random starts have the bits of the NumPy generator", "[golden][rng]") {
  const Golden golden("golden_training");
  const std::vector<int32_t> ids = golden.get<int32_t>("ids");
  const std::vector<float> uniform = golden.get<float>("noise/uniform"), normal = golden.get<float>("noise/normal");
  const RngKey key{.seed = 11, .stream_id = RngStreamId::attack, .step = 1};
  const size_t elements = uniform.size() / kGoldenBatch;
  for (size_t i = 0; i < uniform.size(); ++i) {
    const uint32_t id = ids[i / elements], element = i % elements;
    REQUIRE(uniform[i] == 2 * random_uniform(key, id, element) - 1);
    REQUIRE(normal[i] == random_normal(key, id, element));
  }
}
