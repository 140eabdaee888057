// Whole training steps on a device: recorded and not, twice, and beside those of the CPU.
#include "tests/fixtures/devices.h"
#include "tests/fixtures/tensors.h"
#include "tests/fixtures/training_fixture.h"

using namespace temper;
using test::MethodSetting;

namespace {

/// In batches of 7, with a last one of 6: what a library compiles for a shape, it compiles once for all of these tests.
test::Trace first_steps(Device device, const MethodSetting& setting, int64_t steps,
                        std::vector<std::string> more = {}) {
  more.insert(more.end(), setting.second.begin(), setting.second.end());
  more.push_back("loop.batch_size=7");
  Experiment e = test::tiny(setting.first, test::on(device, more));
  return test::first_steps(e, steps);
}

/// On a residual network, whose gradients are added to, adopted and handed on, attacked with running statistics, whose
/// masks the convolutions take: in every type a GPU has.
std::vector<MethodSetting> residual() {
  const std::string model = "model={name: small_resnet, widths: [8, 16]}";
  const auto in = [&](const std::string& compute, const std::vector<std::string>& more = {}) {
    std::vector<std::string> set = {model, "precision.compute=" + compute};
    set.insert(set.end(), more.begin(), more.end());
    return MethodSetting{test::kPgdAt, set};
  };
  return {in("bf16", {"ema.decay=0.9"}), in("f16"), in("tf32", {"swa.start=1", "swa.every=2"}),
          in("bf16", {"convolution.statistics=fused"}), in("f32", {"exact=true"})};
}

/// Types that the CPU has not on every machine are the GPU's alone here.
std::vector<MethodSetting> settings(Device device) {
  std::vector<MethodSetting> all = test::every_method();
  if (device == Device::cuda)
    for (const MethodSetting& s : residual()) all.push_back(s);
  return all;
}

}  // namespace

TEST_CASE("graph: steps that a GPU repeats leave the bits of steps that the host launches", "[graph][cuda]") {
  TEMPER_NEEDS_CUDA();
  for (const MethodSetting& setting : settings(Device::cuda)) {
    INFO(setting.first << " " << (setting.second.empty() ? "" : setting.second.back()));
    const auto run = [&](const std::string& graph) {
      const test::Trace trace = first_steps(Device::cuda, setting, 21, {"graph=" + graph});
      CHECK((trace.launched > 0) == (graph == "on"));
      return trace.numbers;
    };
    CHECK(run("on") == run("off"));
  }
}

TEMPER_DEVICE_TEST("two runs of the same training leave the same bits", "[trainers]") {
  for (const MethodSetting& setting : settings(device)) {
    INFO(setting.first << " " << (setting.second.empty() ? "" : setting.second.back()));
    CHECK(first_steps(device, setting, 8).numbers == first_steps(device, setting, 8).numbers);
  }
}

// A pixel whose gradient is next to nothing may be moved the other way, and the network after it is another one: 1e-3
// is for the golden runs, which have no such pixels.
TEMPER_DEVICE_TEST("ten steps of every registered method follow those of the CPU in f64", "[trainers]") {
  for (const MethodSetting& setting : test::every_method()) {
    INFO(setting.first);
    const test::Trace got = first_steps(device, setting, 10),
                      want = first_steps(Device::cpu, setting, 10, {"precision.compute=f64"});
    REQUIRE(got.losses.size() == want.losses.size());
    for (size_t i = 0; i < want.losses.size(); ++i) CHECK(got.losses[i] == Approx(want.losses[i]).epsilon(0.03));
    CHECK(test::relative_difference(got.numbers, want.numbers) < 0.03);
  }
}

TEST_CASE("ten steps in fewer bits stay near those in f32", "[trainers][cuda]") {
  TEMPER_NEEDS_CUDA();
  const std::vector<std::string> set = {"model={name: small_resnet, widths: [8, 16]}"};
  const test::Trace want = first_steps(Device::cpu, {test::kPgdAt, set}, 10);
  for (const MethodSetting& setting : residual()) {
    INFO(setting.second[1] << " " << setting.second.back());
    const test::Trace got = first_steps(Device::cuda, setting, 10);
    for (size_t i = 0; i < want.losses.size(); ++i) CHECK(got.losses[i] == Approx(want.losses[i]).epsilon(0.05));
  }
}
