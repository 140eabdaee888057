#include "bench/gpu_state.h"
#include "fake_nvml.h"
#include "tests/fixtures/catch.h"

using namespace temper;
using namespace temper::bench;

TEST_CASE("a GPU's state is what its management library says", "[bench]") {
  const Nvml nvml(TEMPER_FAKE_NVML, "0000:1b:00.0");
  const nlohmann::ordered_json first = nvml.state(), second = nvml.state();
  CHECK(first.at("driver") == "580.1");
  CHECK(first.at("sm_mhz") == 1755);
  CHECK(first.at("mem_mhz") == 2619);
  CHECK(first.at("temperature_c") == 41);
  CHECK(first.at("power_w").get<double>() == Approx(650.5));
  CHECK(second.at("energy_j").get<double>() - first.at("energy_j").get<double>() == Approx(1));
  CHECK_FALSE(first.contains("power_limit_w"));  // refused
  CHECK_FALSE(first.contains("sm_max_mhz"));     // not in the library
}

TEST_CASE("where nothing tells a GPU's state, that is said", "[bench]") {
  CHECK_THAT(Nvml("libno-such-library.so.1", "").state().at("unknown").get<std::string>(),
             ContainsSubstring("libno-such-library.so.1"));
  CHECK_THAT(Nvml(TEMPER_FAKE_NVML, "0000:00:00.0").state().at("unknown").get<std::string>(),
             ContainsSubstring("knows no GPU at 0000:00:00.0"));
  CHECK(GpuWatch(Device::cpu).seen().empty());
}
