// What a suite's failing, and its program's end, leave of the other cases.
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <sstream>

#include "bench/cli.h"
#include "bench/measure.h"
#include "bench/result.h"
#include "bench/suite.h"
#include "core/files/json.h"
#include "kernels/runtime/check.h"
#include "tests/fixtures/catch.h"
#include "tests/fixtures/temporary_folder.h"

using namespace temper;
using namespace temper::bench;

namespace {

/// Cases that are right, are wrong, fail while they are timed or after it, and end the program.
struct Planted : Suite {
  std::vector<Axis> axes() const override { return {{"kind", {"good", "wrong", "late", "after", "last"}, {}}}; }
  std::vector<BenchCase> cases(SuiteContext& context) const override {
    std::vector<BenchCase> out;
    for (const std::string& kind : context.axes.at("kind"))
      out.push_back(
          {.name = kind, .axes = {{"kind", kind}}, .math = "none", .prepare = [kind] { return prepare(kind); }});
    return out;
  }
  static Work prepare(const std::string& kind) {
    TEMPER_CHECK(kind != "wrong", "the result is wrong, so it is not timed");
    const auto calls = std::make_shared<int>(0);
    Work work{.runs = {.run = [kind, calls](int) {
                TEMPER_CHECK(kind != "late" || ++*calls < 20, "the device is gone");
                if (kind == "kill") std::raise(SIGKILL);
                usleep(50);
              }}};
    if (kind == "after") work.extra = [](const Peaks&) -> Json { fail("nothing was repeated"); };
    return work;
  }
};
TEMPER_REGISTER(Suite, Planted, "planted", "what tests plant");

struct Ran {
  int code;
  std::string out, err;
};

Ran planted(const std::string& kinds, const std::string& json) {
  std::istringstream in;
  std::ostringstream out, err;
  const int code = run_bench({"planted", "--device", "cpu", "--threads", "1", "--axis", "kind=" + kinds, "--mode",
                              "hot", "--min-samples", "50", "--min-time", "0", "--max-noise", "1e6", "--json", json},
                             in, out, err);
  return {code, out.str(), err.str()};
}

std::string text_of(const std::string& file) {
  std::ifstream in(file);
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace

TEST_CASE("a failing case loses no other case's result", "[bench]") {
  const test::TemporaryFolder folder;
  const std::string json = folder.file("planted.json");
  const Ran ran = planted("good,wrong,late,after,last", json);
  CHECK(ran.code == kExitWorse);
  CHECK_THAT(ran.err, ContainsSubstring("3 of 5 cases failed: wrong, late, after"));
  CHECK_THAT(ran.err, ContainsSubstring("[2/5] wrong: failed: the result is wrong"));
  CHECK_THAT(ran.out, ContainsSubstring("failed: the device is gone"));
  const Report r = read_report(json);
  REQUIRE(r.results.size() == 5);
  for (const size_t i : {0, 4}) {
    CHECK(r.results[i].failed.empty());
    CHECK(r.results[i].times.at("hot").samples.size() >= 50);
  }
  CHECK_THAT(r.results[1].failed, ContainsSubstring("the result is wrong"));
  CHECK(r.results[1].times.empty());
  CHECK_THAT(r.results[2].failed, ContainsSubstring("the device is gone"));
  CHECK_THAT(r.results[3].failed, ContainsSubstring("nothing was repeated"));
  CHECK(r.environment.contains("after"));
  CHECK_THAT(to_markdown(r), ContainsSubstring("| wrong | failed: the result is wrong, so it is not timed | |"));
  CHECK(planted("good", folder.file("good.json")).code == kExitOk);
}

TEST_CASE("a killed program leaves what it has measured", "[bench]") {
  const test::TemporaryFolder folder;
  const std::string json = folder.file("planted.json");
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    planted("good,last,kill,wrong", json);
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  REQUIRE(WIFSIGNALED(status));
  const Report r = read_report(json);
  REQUIRE(r.results.size() == 3);
  CHECK(r.results[1].times.at("hot").median() > 0);
  CHECK(r.results[2].name == "kill");
  CHECK_THAT(r.results[2].failed, ContainsSubstring("the program ended while this case ran"));
  CHECK_FALSE(r.environment.contains("after"));
}

TEST_CASE("a report that grows is the report", "[bench]") {
  Report r{.suite = "kernels", .environment = {{"list", {1, 2}}}};
  GrowingJson growing;
  CHECK(parse_json<Json>(growing.text(r)) == to_json(r));
  for (const char* name : {"one", "two"}) {
    r.results.push_back({.name = name, .times = {{"hot", {{0.5, 0.25}, "noise"}}}});
    growing.add(r.results.back());
    CHECK(parse_json<Json>(growing.text(r)) == to_json(r));
  }
  CHECK(parse_json<Json>(growing.text(r, "three")).at("results").size() == 3);
}

TEST_CASE("a file is there whole or not at all", "[bench]") {
  const test::TemporaryFolder folder;
  const std::string file = folder.file("x.json");
  write_file(file, "old");
  write_file(file, "new");
  CHECK(text_of(file) == "new");
  CHECK_THROWS_WITH(write_file("/nowhere/x.json", "text"), ContainsSubstring("/nowhere/x.json: cannot be written"));
}

TEST_CASE("a series takes its sets in turn", "[bench]") {
  std::vector<int> seen;
  const Runs runs{.run = [&](int set) { seen.push_back(set); }, .sets = 3};
  Series series(runs, 7, 3);
  CHECK(seen.empty());  // whoever launches runs from the host has run them before
  CHECK(series() >= 0);
  CHECK(seen == std::vector<int>{0, 1, 2, 0, 1, 2, 0});
  CHECK_THAT(series.how(), ContainsSubstring("7 runs in a row on 3 sets of data in turn"));
  CHECK(rotation(Device::cpu, 1e3) == 1);
}

TEST_CASE("one sample says nothing of its noise", "[bench]") {
  int runs = 0;
  const Timing t = measure(Mode::hot, {.min_time = 0, .timeout = 10, .min_samples = 1}, nullptr, {.run = [&](int) {
                             ++runs;
                             usleep(600);
                           }});
  CHECK(t.samples.size() == 1);
  CHECK(std::isnan(t.noise()));
  CHECK(noise_text(t) == "one sample");
}
