#include "workflows/report/seed_table.h"

#include "core/files/json.h"

#include "tests/fixtures/catch.h"
#include "tests/fixtures/run_fixture.h"
#include "tests/fixtures/temporary_folder.h"

namespace temper {

namespace {

// Two methods, the first with an awkward name, with three seeds; C&W 40, 43, 46 has mean 43 and standard deviation 3.
SeedTable small_table(const test::TemporaryFolder& folder) {
  std::vector<MethodRuns> methods = {{"A|B_1, 50%", {}}, {"plain", {}}};
  for (int seed = 0; seed < 3; ++seed) {
    const auto a = folder.path() / cat("a", seed), b = folder.path() / cat("b", seed);
    test::write_fake_run(a, "a", 80, 50, 40 + 3 * seed);
    test::write_fake_run(b, "b", 90, 0, 0);
    methods[0].runs.push_back(read_run(a));
    methods[1].runs.push_back(read_run(b));
  }
  return seed_table("Title", {0, 1, 2}, methods);
}

}  // namespace

TEST_CASE("spread: mean and sample standard deviation of what was measured", "[table]") {
  const Spread s = spread_of({40, 43, 46});
  CHECK(s.mean == 43);
  CHECK(s.deviation == Approx(3));
  CHECK(s.count == 3);
  const Spread one = spread_of({NAN, 7});
  CHECK(one.mean == 7);
  CHECK(one.count == 1);
  CHECK(std::isnan(one.deviation));
  CHECK(spread_of({}).count == 0);
  CHECK(cell_text(s, " +- ") == "43.00 +- 3.00");
  CHECK(cell_text(one, " +- ") == "7.00");
  CHECK(cell_text({}, " +- ") == "-");
}

TEST_CASE("seed table: NRR is computed of every run, then averaged", "[table]") {
  const test::TemporaryFolder folder;
  const SeedTable t = small_table(folder);
  REQUIRE(t.columns.size() == 4);
  CHECK(t.columns[3].key == "nrr");
  double mean = 0;
  for (const double cw : {40.0, 43.0, 46.0}) mean += 2 * 80 * cw / (80 + cw) / 3;
  CHECK(spread_of(t.rows[0].values[3]).mean == Approx(mean));
  CHECK(spread_of(t.rows[1].values[3]).mean == 0);
  CHECK_THAT(t.note, ContainsSubstring("2,000 test images") && ContainsSubstring("under C&W"));
}

TEST_CASE("seed table: Markdown, CSV, LaTeX and JSON say the same", "[table]") {
  const test::TemporaryFolder folder;
  const SeedTable t = small_table(folder);
  CHECK_THAT(table_markdown(t),
             ContainsSubstring("## Title\n\n| method | Natural | PGD-20 | C&W | NRR |\n|---|---:|") &&
                 ContainsSubstring("| A\\|B_1, 50% | 80.00 ± 0.00 | 50.00 ± 0.00 | 43.00 ± 3.00 | "));
  const std::string csv = table_csv(t);
  CHECK_THAT(csv,
             ContainsSubstring("method,n,clean_mean,clean_sd,pgd20_mean,pgd20_sd,cw_mean,cw_sd,nrr_mean,nrr_sd\n") &&
                 ContainsSubstring("\"A|B_1, 50%\",3,80.0000,0.0000,50.0000,0.0000,43.0000,3.0000,"));
  CHECK_THAT(table_latex(t), ContainsSubstring("\\begin{tabular}{lrrrr}") &&
                                 ContainsSubstring("method & Natural & PGD-20 & C\\&W & NRR \\\\") &&
                                 ContainsSubstring("A|B\\_1, 50\\% & $80.00 \\pm 0.00$"));
  const auto j = parse_json(table_json(t));
  CHECK(j["rows"][0]["cw"]["values"] == nlohmann::json({40, 43, 46}));
  CHECK(j["rows"][0]["cw"]["sd"].get<double>() == Approx(3));
  CHECK(j["rows"][0]["cw"]["n"] == 3);
}

TEST_CASE("seed table: what differs stands in columns of its own, and every table says so", "[table]") {
  const test::TemporaryFolder folder;
  test::write_fake_run(folder.path() / "a", "a", 80, 50, 40);
  RunReport a = read_run(folder.path() / "a"), b = a;
  b.rows[1].description = "pgd(norm=linf, radius=0.200000)";
  const SeedTable t = seed_table("t", {0}, {{"a", {a}}, {"b", {b}}});
  REQUIRE(t.columns.size() == 5);
  CHECK(t.columns[1].heading == "PGD-20 (pgd(norm=linf, radius=0.100000))");
  CHECK(t.rows[0].values[1][0] == 50);
  CHECK(std::isnan(t.rows[1].values[1][0]));
  CHECK(t.rows[1].values[2][0] == 50);
  CHECK(t.rows[0].values[4][0] == t.rows[1].values[4][0]);
  const std::string said = "Measured in different ways, with a column for each: PGD-20.";
  CHECK_THAT(table_markdown(t), ContainsSubstring(said));
  CHECK_THAT(table_latex(t), ContainsSubstring("% " + said));
  CHECK_THAT(table_json(t), ContainsSubstring(said));
  CHECK_THAT(table_csv(t), ContainsSubstring("\"pgd20 (pgd(norm=linf, radius=0.200000))_mean\""));
}

TEST_CASE("seed table: a seed without results leaves its row and the others' values where they are", "[table]") {
  const test::TemporaryFolder folder;
  test::write_fake_run(folder.path() / "a", "a", 80, 50, 40);
  const RunReport a = read_run(folder.path() / "a");
  const SeedTable t =
      seed_table("t", {3, 4}, {{"a", {std::nullopt, a}}, {"b", {a, a}}, {"c", {std::nullopt, std::nullopt}}});
  REQUIRE(t.rows.size() == 3);
  CHECK(std::isnan(t.rows[0].values[0][0]));
  CHECK(t.rows[0].values[0][1] == 80);
  CHECK(t.rows[1].values[0] == std::vector<double>{80, 80});
  CHECK(t.caveats == std::vector<std::string>{"Without results, and so not in the table: a (seed 3), c (seeds 3, 4)."});
  CHECK_THAT(table_csv(t), ContainsSubstring("a,1,80.0000,,") && ContainsSubstring("c,0,,,"));
  CHECK_THAT(table_markdown(t), ContainsSubstring("| c | - | - | - | - |"));
}

}  // namespace temper
