#include "tests/fixtures/catch.h"
#include "tests/fixtures/cli_fixture.h"
#include "tests/fixtures/run_fixture.h"
#include "tests/fixtures/training_fixture.h"
#include "workflows/sweep_file.h"

using namespace temper;
using test::temper_command;

TEST_CASE("sweep: a run without test attacks is complete when it is tested, and its report is there", "[app]") {
  const test::TemporaryFolder folder;
  test::write_file(folder.path() / "plain.yaml", test::tiny_yaml(test::kPgdAt));
  test::write_file(
      folder.path() / "sweep.yaml",
      "seeds: [3]\nset: {data: {name: test_testable}, loop: {epochs: 1}}\nruns: [{label: plain, config: plain.yaml}]\n");
  const std::vector<std::string> command = {"sweep", folder.file("sweep.yaml"), "--out", folder.file("out"), "--quiet"};
  const auto state = [&] {
    return temper_command({"sweep", folder.file("sweep.yaml"), "--out", folder.file("out"), "--dry-run"}).out;
  };
  CHECK_THAT(state(), ContainsSubstring("1 run: 1 to train"));
  REQUIRE(temper_command(command).code == 0);
  CHECK_THAT(state(), ContainsSubstring("1 run: 1 complete"));
  const std::filesystem::path run = folder.path() / "out/plain/seed_3";
  std::filesystem::remove(run / "report.html");
  const auto tested = std::filesystem::last_write_time(run / "evaluation.json");
  REQUIRE(temper_command(command).code == 0);
  CHECK(std::filesystem::exists(run / "report.html"));
  CHECK(std::filesystem::last_write_time(run / "evaluation.json") == tested);
}

TEST_CASE("sweep: no label leads out of the sweep's folder", "[app][errors]") {
  const test::TemporaryFolder folder;
  test::write_file(folder.path() / "plain.yaml", test::tiny_yaml(test::kPgdAt));
  for (const char* label : {"..", ".", "../..", "/etc", "a/../../b", ".hidden"}) {
    INFO(label);
    test::write_file(folder.path() / "sweep.yaml",
                     cat("seeds: [3]\nruns: [{label: '", label, "', config: plain.yaml}]\n"));
    const Sweep s = read_sweep(folder.file("sweep.yaml"), {}, "out");
    const std::filesystem::path root = s.runs.at(0).folder.root;
    CHECK(root.lexically_normal() == root);
    CHECK(std::distance(root.begin(), root.end()) == 3);  // out/LABEL/seed_3
    CHECK((++root.begin())->string().front() != '.');
  }
}
