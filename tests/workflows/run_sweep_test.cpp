#include "workflows/run_sweep.h"

#include <csignal>

#include "core/files/file.h"
#include "tests/fixtures/catch.h"
#include "tests/fixtures/loop_fixture.h"
#include "tests/fixtures/run_fixture.h"

using namespace temper;

namespace {

std::string write_sweep(const test::TemporaryFolder& folder, const std::string& more = "") {
  test::write_file(folder.path() / "standard.yaml", test::tiny_yaml("{name: standard}"));
  test::write_file(folder.path() / "pgd_at.yaml", test::tiny_yaml(test::kPgdAt));
  test::write_file(folder.path() / "table.yaml",
                   "title: Stripes\nseeds: [3, 4]\n"
                   "set: {data: {name: test_testable}, loop: {epochs: 1}}\n"
                   "runs:\n  - {label: natural, config: standard.yaml}\n  - {label: PGD-AT, config: pgd_at.yaml}\n" +
                       more);
  return folder.file("table.yaml");
}

struct Shown {
  std::vector<std::string> runs, failures;
  SweepProgress progress() {
    return {.on_run =
                [this](const SweepRun& run, size_t number, RunState found) {
                  runs.push_back(cat(number, " ", run.label, " ", run.seed, " ", static_cast<int>(found)));
                },
            .on_failure = [this](const SweepRun& run,
                                 const Error& error) { failures.push_back(run.label + ": " + error.what()); }};
  }
};

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("run_sweep: ends with a table, continues after a signal and leaves complete runs alone", "[workflows]") {
  const test::TemporaryFolder folder;
  const std::filesystem::path out = folder.path() / "out";
  Sweep sweep = read_sweep(write_sweep(folder), {}, out);
  Shown shown;
  test::Signalling signalling(SIGINT, 1, 2);
  const SweepResult cut = run_sweep(sweep, signalling, shown.progress());
  CHECK(cut.interrupted);
  CHECK_FALSE(cut.table);
  CHECK(shown.runs == Names{"1 natural 3 0"});

  shown = {};
  test::Recorder nobody;
  sweep = read_sweep(folder.file("table.yaml"), {}, out);
  const SweepResult made = run_sweep(sweep, nobody, shown.progress());
  CHECK(shown.runs == Names{"1 natural 3 1", "2 PGD-AT 3 0", "3 natural 4 0", "4 PGD-AT 4 0"});
  CHECK(made.failed == 0);
  REQUIRE(made.table);
  CHECK(made.table->seeds == std::vector<int>{3, 4});
  CHECK(made.table->rows.at(1).label == "PGD-AT");
  for (const char* file : {"table.md", "table.csv", "table.tex", "table.json"})
    CHECK(std::filesystem::exists(out / file));

  shown = {};
  const std::string table = read_text((out / "table.json").string());
  sweep = read_sweep(folder.file("table.yaml"), {}, out);
  CHECK(run_sweep(sweep, nobody, shown.progress()).table);
  CHECK(shown.runs.back() == "4 PGD-AT 4 2");
  CHECK(read_text((out / "table.json").string()) == table);
}

TEST_CASE("run_sweep: a run that fails is told and counted, the others are made", "[workflows][errors]") {
  const test::TemporaryFolder folder;
  const std::string wild = "  - {label: wild, config: standard.yaml, set: {optimizer: {lr: 1e30, weight_decay: 0}}}\n";
  Sweep sweep = read_sweep(write_sweep(folder, wild), {"seeds=[3]"}, folder.path() / "out");
  Shown shown;
  test::Recorder nobody;
  const SweepResult made = run_sweep(sweep, nobody, shown.progress());
  CHECK(made.failed == 1);
  REQUIRE(shown.failures.size() == 1);
  CHECK_THAT(shown.failures[0], ContainsSubstring("wild: training: the "));
  REQUIRE(made.table);
  CHECK_THAT(made.table->caveats.back(), ContainsSubstring("wild"));
}
