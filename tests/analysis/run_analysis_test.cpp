#include "analysis/run_analysis.h"

#include <csignal>

#include "core/files/file.h"
#include "tests/fixtures/analysis_fixture.h"
#include "tests/fixtures/catch.h"
#include "tests/fixtures/loop_fixture.h"
#include "tests/fixtures/run_fixture.h"

using namespace temper;

TEST_CASE("run_analysis: looks at runs and writes what it found", "[workflows][analysis]") {
  const test::TemporaryFolder folder;
  for (const char* run : {"a", "b"}) {
    test::write_fake_run(folder.path() / run, "pgd_at", 80, 50, 45);
    test::write_file(folder.path() / run / "config.yaml", test::tiny_yaml(test::kPgdAt));
  }
  const std::filesystem::path out = folder.path() / "out";
  test::Recorder nobody;
  const auto result =
      run_analysis({.name = "overfitting", .inputs = {folder.file("a"), folder.file("b")}, .out = out}, nobody);
  REQUIRE(result);
  CHECK(result->findings.at({"b"}, "best_robust") == 66);
  CHECK(result->files == std::vector<std::string>{"overfitting.csv", "overfitting.json", "overfitting-curves.svg"});
  for (const std::string& file : result->files) CHECK(std::filesystem::exists(out / file));
  CHECK(read_text((out / "overfitting.csv").string()) == findings_csv(result->findings));
  CHECK(read_text((out / "settings.yaml").string()) == "of: model\n");
}

TEST_CASE("run_analysis: trains, ends by a signal and continues", "[workflows][analysis]") {
  const test::TemporaryFolder folder;
  test::write_file(folder.path() / "net.yaml", test::tiny_yaml("{name: standard}"));
  const AnalysisOptions options{.name = "bn", .inputs = {folder.file("net.yaml")}, .out = folder.path() / "out"};
  test::Signalling signalling(SIGTERM, 2, 2);
  CHECK_FALSE(run_analysis(options, signalling));
  test::Recorder rest;
  const auto result = run_analysis(options, rest);
  REQUIRE(result);
  CHECK(rest.starts.at(0).epoch == 2);
  CHECK(std::filesystem::exists(folder.path() / "out/net/config.yaml"));
}

TEST_CASE("run_analysis: inputs and settings that it does not take are refused", "[workflows][analysis][errors]") {
  const test::TemporaryFolder folder;
  test::Recorder nobody;
  const auto run = [&](const std::string& name, const std::string& input, const std::vector<std::string>& set = {}) {
    run_analysis({.name = name, .inputs = {input}, .overrides = set, .out = folder.path() / "out"}, nobody);
  };
  test::write_file(folder.path() / "net.yaml", test::tiny_yaml("{name: standard}"));
  CHECK_THROWS_WITH(run("overfiting", folder.file("net.yaml")), ContainsSubstring("did you mean 'overfitting'?"));
  CHECK_THROWS_WITH(run("overfitting", folder.file("none")), ContainsSubstring("this analysis takes folders of runs"));
  CHECK_THROWS_WITH(run("bn", folder.path().string()), ContainsSubstring("takes the YAML file of an experiment"));
  CHECK_THROWS_WITH(run("gradients", folder.file("net.yaml"), {"analysis.evry=2"}),
                    ContainsSubstring("did you mean 'every'?"));
  CHECK_FALSE(std::filesystem::exists(folder.path() / "out"));
}
