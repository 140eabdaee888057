#include "core/files/json.h"

#include "analysis/findings.h"
#include "source_dir.h"
#include "tests/fixtures/analysis_fixture.h"
#include "tests/fixtures/catch.h"
#include "tests/fixtures/cli_fixture.h"
#include "tests/fixtures/run_fixture.h"
#include "tests/fixtures/xml_check.h"
#include "workflows/report/bars.h"
#include "workflows/report/svg.h"

namespace temper {

using test::Ran;
using test::slurp;
using test::temper_command;

TEST_CASE("analyze: every analysis has help with all its keys", "[app][analysis]") {
  const Ran all = temper_command({"analyze", "--help"});
  CHECK(all.code == kExitOk);
  for (const auto& [name, entry] : Registry<Analysis>::instance().all()) {
    CHECK_THAT(all.out, ContainsSubstring(name) && ContainsSubstring(entry.doc));
    const Ran one = temper_command({"analyze", name, "--help"});
    CHECK(one.code == kExitOk);
    CHECK_THAT(one.out, ContainsSubstring("Usage: temper analyze " + name) && ContainsSubstring("--set"));
    const Config nothing;
    Fields f(nothing);
    const auto made = entry.make();
    made->fields(f);
    for (const FieldDoc& d : f.docs()) CHECK_THAT(one.out, ContainsSubstring(d.key + ": " + d.value));
    CHECK_THAT(one.out, ContainsSubstring(made->help().substr(0, 40)));
  }
}

TEST_CASE("analyze: runs in, CSV, JSON and pictures out", "[app][analysis]") {
  const test::TemporaryFolder folder;
  for (const char* run : {"a", "b"}) {
    test::write_fake_run(folder.path() / run, run, 80, 50, 40);
    test::write_file(folder.path() / run / "config.yaml", "seed: 1\n");
  }
  const Ran ran = temper_command({"analyze", "overfitting", folder.file("a"), folder.file("b"), "--out",
                                  folder.file("out"), "--set", "analysis.of=model"});
  CHECK(ran.err == "");
  REQUIRE(ran.code == kExitOk);
  CHECK_THAT(ran.out, ContainsSubstring("run  epochs  best_epoch") && ContainsSubstring("overfitting-curves.svg"));
  CHECK_THAT(slurp(folder.file("out/overfitting.csv")), ContainsSubstring("\na,3,3,66.0,66.0,0.0,79.5,79.5\nb,3,"));
  const auto j = parse_json(slurp(folder.file("out/overfitting.json")));
  CHECK(j["rows"][1]["run"] == "b");
  CHECK(j["rows"][1]["best_robust"] == 66);
  CHECK_THAT(slurp(folder.file("out/settings.yaml")), ContainsSubstring("of: model"));
  const std::string svg = slurp(folder.file("out/overfitting-curves.svg"));
  CHECK(test::xml_fault(svg) == "");
  CHECK_THAT(svg, ContainsSubstring("xmlns=\"http://www.w3.org/2000/svg\"") && ContainsSubstring("<style>"));

  const auto error = [&](const std::vector<std::string>& args) {
    const Ran wrong = temper_command(args);
    CHECK(wrong.code != kExitOk);
    return wrong.err;
  };
  CHECK_THAT(error({"analyze", "overfitting", folder.file("a"), "--set", "analysis.fo=ema"}),
             ContainsSubstring("unknown key 'fo'; did you mean 'of'?"));
  CHECK_THAT(error({"analyze", "overfitting", folder.file("none")}), ContainsSubstring("none: holds no run"));
  CHECK_THAT(error({"analyze", "gradients", folder.file("a")}),
             ContainsSubstring("takes the YAML file of an experiment"));
  CHECK_THAT(error({"analyze", "overfitting"}), ContainsSubstring("input is required"));
  CHECK(temper_command({"analyze"}).code == kExitUsage);
}

TEST_CASE("analyze: the configurations in configs/analysis are complete", "[app][analysis]") {
  for (const auto& entry : std::filesystem::directory_iterator(cat(TEMPER_SOURCE_DIR, "/configs/analysis"))) {
    INFO(entry.path().string());
    Config config = load_config(entry.path().string());
    Fields whole(config);
    const Config settings = whole.part("analysis", "");
    config.root.erase("analysis");
    CHECK_NOTHROW(read_experiment(config));
    Fields f(settings);
    Registry<Analysis>::instance().make(entry.path().stem().string())->fields(f);
    CHECK_NOTHROW(f.finish());
  }
}

TEST_CASE("findings: text is aligned and CSV is quoted", "[analysis]") {
  Findings f{.title = "t", .columns = {"name", "x"}};
  f.rows = {{"a, b", 1.5}, {"c", number(NAN)}};
  CHECK(findings_csv(f) == "name,x\n\"a, b\",1.5\nc,\n");
  CHECK(findings_text(f) == "name    x\na, b  1.5\nc       -\n");
  CHECK(parse_json(findings_json(f))["rows"][1]["x"].is_null());
  CHECK_THROWS_WITH(f.at({"d"}, "x"), ContainsSubstring("no row [\"d\"] with a column 'x'"));
}

TEST_CASE("bar_chart draws from zero, up and down", "[report]") {
  const std::string svg = bar_chart({.title = "a & b",
                                     .y_label = "cosine",
                                     .categories = {"one", "two"},
                                     .groups = {{"first", 0, {1, -1}}, {"second", 1, {0.5, NAN}}}});
  CHECK(test::xml_fault(svg) == "");
  // Ticks from -1 to 1 over 240 units: zero at 134, so +1 is a bar of 120 from 14 down, -1 one of 120 from 134 down.
  CHECK_THAT(svg, ContainsSubstring("y=\"14.0\" width=\"83.6\" height=\"120.0\""));
  CHECK_THAT(svg, ContainsSubstring("y=\"134.0\" width=\"83.6\" height=\"120.0\""));
  CHECK_THAT(svg, ContainsSubstring("y=\"74.0\" width=\"83.6\" height=\"60.0\""));
  CHECK_THAT(svg, ContainsSubstring("two, first: -1<") && ContainsSubstring(">second</text>"));
  CHECK(bar_chart({.title = "", .categories = {"x"}, .groups = {{"g", 0, {NAN}}}}) == "");
  CHECK(test::xml_fault(standalone_svg(svg)) == "");
}

}  // namespace temper
