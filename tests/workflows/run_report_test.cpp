#include "workflows/run_report.h"

#include "core/files/json.h"

#include "core/files/file.h"
#include "tests/fixtures/catch.h"
#include "tests/fixtures/run_fixture.h"
#include "tests/fixtures/temporary_folder.h"
#include "tests/fixtures/xml_check.h"
#include "trainers/records/run_lock.h"

using namespace temper;

TEST_CASE("run_report: one run, and the comparison of several", "[workflows]") {
  const test::TemporaryFolder folder;
  const std::filesystem::path a = folder.path() / "a", b = folder.path() / "b", page = folder.path() / "pages/all.html";
  test::write_fake_run(a, "pgd_at", 80, 50, 45);
  test::write_fake_run(b, "trades", 75, 55, 50);

  const Reports one = run_report({.folders = {a}});
  REQUIRE(one.runs.size() == 1);
  CHECK(one.runs[0].method == "pgd_at");
  CHECK(test::xml_fault(read_text((a / "report.html").string())) == "");
  CHECK_FALSE(std::filesystem::exists(b / "report.html"));

  const Reports two = run_report({.folders = {a, b}, .comparison = page, .title = "Both"});
  REQUIRE(two.runs.size() == 2);
  CHECK(two.table.nrr_attack == "cw");
  CHECK(two.table.columns[1].values == std::vector<double>{50, 55});
  CHECK_THAT(read_text(page.string()), ContainsSubstring("<h1>Both</h1>") && ContainsSubstring("../b/report.html"));
  const auto summary = parse_json(summary_text(two));
  CHECK(summary["runs"][1]["cw"] == 50);
  CHECK(summary["seconds"] == Approx(2 * 103.2));
  CHECK(parse_json(summary_text(two, 7))["seconds"] == 7);
}

TEST_CASE("run_report: what cannot be reported is said", "[workflows][errors]") {
  const test::TemporaryFolder folder;
  CHECK_THROWS_WITH(run_report({}), ContainsSubstring("expected at least one folder"));
  CHECK_THROWS_WITH(run_report({.folders = {folder.path() / "none"}}), ContainsSubstring("no such run folder"));
  const RunFolder run{folder.path() / "a"};
  test::write_fake_run(run.root, "pgd_at", 80, 50, 45);
  const RunLock lock(run);
  CHECK_THROWS_WITH(run_report({.folders = {run.root}}), ContainsSubstring("is using this folder"));
}
