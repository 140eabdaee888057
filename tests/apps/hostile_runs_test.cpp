#include <sys/stat.h>

#include <array>

#include "analysis/records.h"
#include "tests/fixtures/catch.h"
#include "tests/fixtures/cli_fixture.h"
#include "tests/fixtures/run_fixture.h"
#include "tests/fixtures/temporary_folder.h"
#include "tests/fixtures/xml_check.h"
#include "workflows/report/page.h"
#include "workflows/report/run.h"

// Folders of runs that were damaged, or made to do harm.

using namespace temper;
using test::temper_command;
using test::TemporaryFolder;

namespace {

struct FakeRun {
  TemporaryFolder folder;
  std::filesystem::path path = folder.path() / "run";
  FakeRun() { test::write_fake_run(path, "trades", 80, 60, 50); }
  // Replaces the first `from` in a file.
  void edit(const std::string& file, const std::string& from, const std::string& to) const {
    std::string text = test::slurp(path / file);
    REQUIRE(text.find(from) != std::string::npos);
    test::write_file(path / file, text.replace(text.find(from), from.size(), to));
  }
  test::Ran report() const { return temper_command({"report", path.string()}); }
};

}  // namespace

TEST_CASE("hostile runs: numbers that no run has are refused with their file", "[report][errors]") {
  const std::vector<std::array<std::string, 4>> cases = {
      {"metrics.csv", "\n1,", "\n100000000000000000,", "expected the number of an epoch, got 1e+17"},
      {"metrics.csv", "\n1,", "\n-1e308,", "expected the number of an epoch"},
      {"metrics.csv", "\n1,", "\n1.5,", "expected the number of an epoch, got 1.5"},
      {"evaluation.json", "\"epochs\":3", "\"epochs\":1e300", "it has the number 1e+300"},
      {"evaluation.json", "\"percent\":80", "\"percent\":800", "'clean' has 1600 of 2000 images right, 800 %"},
      {"evaluation.json", "\"correct\":1600", "\"correct\":-5", "'clean' has -5 of 2000 images right"},
      {"evaluation.json", "\"epochs\":3", "\"epochs\":" + std::string(100000, '['), "expected JSON"},
      {"evaluation.json", "\"epochs\":3", "\"epochs\":" + std::string(5000, '[') + std::string(5000, ']'), "32 levels"},
      {"environment.json", "\"threads\":2", "\"threads\":" + std::string(5000, '[') + std::string(5000, ']'),
       "32 levels"}};
  for (const auto& [file, from, to, message] : cases) {
    INFO(file << ": " << to.substr(0, 40));
    const FakeRun run;
    run.edit(file, from, to);
    const test::Ran r = run.report();
    CHECK(r.code == 1);
    CHECK_THAT(r.err, ContainsSubstring(file) && ContainsSubstring(message));
    CHECK_FALSE(std::filesystem::exists(run.path / "report.html"));
  }
}

TEST_CASE("hostile runs: what is no file is not waited for", "[report][errors]") {
  for (const char* file : {"evaluation.json", "examples.json", "metrics.csv", "config.yaml", "environment.json"}) {
    INFO(file);
    const FakeRun run;
    std::filesystem::remove(run.path / file);
    ::mkfifo((run.path / file).c_str(), 0644);
    CHECK_THAT(run.report().err, ContainsSubstring(cat(file, ": cannot be read; expected a file")));
    std::filesystem::remove(run.path / file);
    std::filesystem::create_symlink("/dev/zero", run.path / file);
    CHECK_THAT(run.report().err, ContainsSubstring(cat(file, ": cannot be read; expected a file")));
  }
}

TEST_CASE("hostile runs: a page loads nothing", "[report][errors]") {
  const FakeRun run;
  run.edit("examples.json", "data:image/png;base64,", "https://example.org/seen.png?");
  CHECK_THAT(run.report().err, ContainsSubstring("examples.json: clean: expected a picture as "
                                                 "'data:image/png;base64,...', got 'https://example.org/seen.png?"));
  const FakeRun script;
  script.edit("examples.json", "data:image/png;base64,", "data:image/svg+xml;base64,");
  CHECK(script.report().code == 1);
  const FakeRun good;
  CHECK(good.report().code == 0);
  CHECK_THAT(test::slurp(good.path / "report.html"),
             ContainsSubstring("http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:;"));
}

TEST_CASE("hostile runs: nothing in them reaches the terminal as a command", "[report][errors]") {
  const FakeRun run;
  run.edit("evaluation.json", "\"trades\"", "\"tr\\u001b[2Jades\"");
  run.edit("evaluation.json", "\"pgd20\"", "\"\\u001b]0;owned\\u0007\\u009b31m\"");
  run.edit("config.yaml", "name: trades", "name: \"\\e[31mtrades\"");
  const std::filesystem::path renamed = run.folder.path() / "run\x1b[31m";
  std::filesystem::rename(run.path, renamed);
  const test::Ran r = temper_command({"report", renamed.string()});
  CHECK(r.code == 0);
  for (const std::string& text : {r.out, r.err, test::slurp(renamed / "report.html")}) {
    CHECK(text.find('\x1b') == std::string::npos);
    CHECK(text.find("\xc2\x9b") == std::string::npos);
  }
  CHECK(test::xml_fault(test::slurp(renamed / "report.html")) == "");
  const test::Ran error = temper_command({"report", "no\x1b[31mfolder"});
  CHECK(error.code == 1);
  CHECK(error.err.find('\x1b') == std::string::npos);
}

TEST_CASE("hostile runs: metrics of another kind are refused with file and line", "[analysis][errors]") {
  const TemporaryFolder folder;
  const RunFolder run{folder.path()};
  const auto read = [&](const std::string& text) {
    test::write_file(run.metrics(), text);
    return read_step_metrics(run, "");
  };
  CHECK(read("{\"event\":\"step\",\"epoch\":1,\"total_step\":2,\"method\":{\"a\":3}}\n{\"event\":\"st").size() == 1);
  CHECK_THROWS_WITH(read("{}\n{\"event\":\"step\",\"epoch\":\"x\"}"),
                    ContainsSubstring("metrics.jsonl line 2: 'epoch'"));
  CHECK_THROWS_WITH(read("{\"event\":\"step\",\"total_step\":1e300}"), ContainsSubstring("line 1: 'total_step'"));
  CHECK_THROWS_WITH(read("{\"event\":\"step\",\"step\":-1}"), ContainsSubstring("line 1: 'step'"));
  CHECK_THROWS_WITH(read("{\"event\":7}"), ContainsSubstring("line 1: expected an object with an 'event'"));
  CHECK_THROWS_WITH(read("[]"), ContainsSubstring("line 1: expected an object with an 'event'"));
  CHECK(read("{\"event\":\"step\",\"method\":7}").empty());
}
