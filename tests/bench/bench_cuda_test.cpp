// What temper-bench measures on a GPU, and that it says how.
#include <sstream>

#include "bench/cli.h"
#include "bench/result.h"
#include "tests/fixtures/catch.h"
#include "tests/fixtures/devices.h"
#include "tests/fixtures/temporary_folder.h"

using namespace temper;
using namespace temper::bench;

namespace {

Report measured(std::vector<std::string> args, std::string* printed = nullptr) {
  const test::TemporaryFolder folder;
  args.insert(args.begin() + 1, {"--device", "cuda", "--min-samples", "2", "--min-time", "0", "--timeout", "0.001",
                                 "--json", folder.file("r.json")});
  std::istringstream in;
  std::ostringstream out, err;
  const int code = run_bench(args, in, out, err);
  INFO(err.str());
  REQUIRE(code == kExitOk);
  if (printed) *printed = out.str();
  return read_report(folder.file("r.json"));
}

}  // namespace

TEST_CASE("kernels are replayed by the device, cold on more data than its cache holds", "[bench][cuda]") {
  TEMPER_NEEDS_CUDA();
  const Report r = measured({"kernels", "--all", "--filter", "^relu/forward/f32/n=40001$"});
  const Result& one = r.results.at(0);
  CHECK_THAT(one.times.at("hot").how, ContainsSubstring("replayed by the device"));
  CHECK_THAT(one.times.at("cold").how, ContainsSubstring("sets of data in turn, replayed by the device"));
  CHECK(r.peaks.at("copy_bytes_per_second") > 0);
  CHECK(r.peaks.at("f32").at("flops_per_second") > 0);
  CHECK(one.extra.contains("gpu"));
}

TEST_CASE("convolutions are checked and timed on a GPU in every math", "[bench][cuda]") {
  TEMPER_NEEDS_CUDA();
  const Report r = measured({"conv", "--axis", "network=small_cnn", "--axis", "batch=1", "--axis",
                             "dtype=f32,tf32,bf16,f16", "--filter", "/16x16x64-64"});
  CHECK(r.results.size() == 12);  // forward, masked, filter
  for (const Result& one : r.results) {
    CHECK_THAT(one.times.at("cold").how, ContainsSubstring("replayed by the device"));
    CHECK(one.extra.at("convolutions").contains("plans"));
  }
}

TEST_CASE("a step on a GPU is repeated as a graph and timed kernel by kernel in it", "[bench][cuda]") {
  TEMPER_NEEDS_CUDA();
  std::string printed;
  const Report r = measured({"step", "--axis", "model=small_cnn", "--axis", "compute=f32", "--axis", "batch=1",
                             "--axis", "attack_steps=1", "--set", "graph=on"},
                            &printed);
  REQUIRE(r.results.size() == 1);
  for (const Result& one : r.results) {
    CHECK(one.extra.at("graph").at("launched") > 0);
    CHECK(one.extra.at("convolutions").at("plans") == "proposed");
    const Json& b = one.extra.at("breakdown");
    CHECK(b.at("explained") > 0);
    CHECK(b.at("empty_range_seconds") >= 0);
    for (const char* phase : {"attack", "forward", "backward", "update"}) CHECK(b.at("phases").at(phase) > 0);
    double forward = 0;  // the attack's and the training pass's, of five layers each
    for (const Json& k : b.at("kernels"))
      if (k.at("name") == "conv2d" || k.at("name") == "conv2d_batch_norm") forward += k.at("calls").get<double>();
    CHECK(forward == 10);
  }
  CHECK_THAT(printed, ContainsSubstring("steps replayed by the device"));
  CHECK_THAT(printed, ContainsSubstring("the ten longest kernels"));
  CHECK_THAT(printed, ContainsSubstring("timed by events"));
}
