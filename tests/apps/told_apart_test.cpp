// What eval and report say where they would compare what is not alike.
#include "core/files/json.h"

#include "tests/fixtures/catch.h"
#include "tests/fixtures/cli_fixture.h"
#include "tests/fixtures/run_fixture.h"
#include "tests/fixtures/temporary_folder.h"
#include "tests/fixtures/training_fixture.h"
#include "tests/fixtures/xml_check.h"

namespace temper {

using test::Ran;
using test::slurp;
using test::temper_command;

TEST_CASE("eval of a run says where images or weights are not those of its own results, and leaves those", "[app]") {
  test::TemporaryFolder folder;
  test::write_file(folder.path() / "tiny.yaml", test::tiny_yaml(test::kPgdAt));
  const std::string run = folder.file("run"), file = run + "/evaluation.json";
  REQUIRE(temper_command({"train", folder.file("tiny.yaml"), "--out", run, "--set", "data.name=test_testable"}).code ==
          kExitOk);
  CHECK(temper_command({"eval", run}).err == "");
  const auto warning_with = [&](const std::string& key, const nlohmann::ordered_json& value) {
    const std::string before = slurp(file);
    auto j = parse_json<nlohmann::ordered_json>(before);
    (key == "images" ? j["test"]["images"] : j[key]) = value;
    test::write_file(file, j.dump(2) + "\n");
    const Ran ran = temper_command({"eval", run});
    CHECK(ran.code == kExitOk);
    CHECK(parse_json<nlohmann::ordered_json>(slurp(file)) == j);
    test::write_file(file, before);
    return ran.err;
  };
  CHECK_THAT(warning_with("images", "0123"),
             ContainsSubstring("warning: not the test images of the run's own results: other pixels: 0123 -> "));
  CHECK_THAT(warning_with("weights_fingerprint", "0123"),
             ContainsSubstring("warning: not the weights of the run's own results: 0123 -> "));
}

TEST_CASE("report says in what runs differ, and mixes nothing", "[app]") {
  test::TemporaryFolder folder;
  for (const char* name : {"a/seed_0", "b/seed_0"})
    test::write_fake_run(folder.path() / name, "pgd_at", 79.2, 68.35, 66.9);
  const auto file = folder.path() / "b/seed_0/evaluation.json";
  auto j = parse_json<nlohmann::ordered_json>(slurp(file));
  j["rows"][1]["description"] = "pgd(norm=linf, radius=0.200000)";
  j["normalisation"] = {{"mean", {0.5}}, {"std", {0.25}}};
  test::write_file(file, j.dump());
  const std::string page = folder.file("page.html"), json = folder.file("summary.json");
  const Ran ran =
      temper_command({"report", folder.file("a/seed_0"), folder.file("b/seed_0"), "--compare", page, "--json", json});
  CHECK(ran.code == kExitOk);
  CHECK_THAT(ran.out, ContainsSubstring("PGD-20 (pgd(norm=linf, radius=0.200000))") &&
                          ContainsSubstring(folder.file("a/seed_0") + "  ") &&
                          ContainsSubstring("accuracy in percent of 2,000 test images"));
  CHECK_THAT(ran.err, ContainsSubstring("warning: Measured in different ways"));
  CHECK_THAT(slurp(page), ContainsSubstring("Measured in different ways"));
  CHECK(test::xml_fault(slurp(page)) == "");
  CHECK(parse_json(slurp(json))["differences"].size() == 1);
}

}  // namespace temper
