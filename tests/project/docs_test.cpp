// What the documentation says that Temper prints.
#include <filesystem>
#include <fstream>
#include <regex>

#include "source_dir.h"
#include "tests/fixtures/catch.h"
#include "tests/fixtures/cli_fixture.h"
#include "tests/fixtures/temporary_folder.h"

using namespace temper;
namespace fs = std::filesystem;

namespace {

/// Configurations whose mistakes the documentation shows, by the names it gives their files.
const std::map<std::string, std::string> kFiles = {
    {"my.yaml", "trainer: {name: pgd_at}\nloop:\n  epoch: 3\n"},
    {"trades.yaml", "trainer:\n  name: trades\n  attack:\n    raduis: 8/255\n"},
};

std::vector<fs::path> pages() {
  std::vector<fs::path> all = {fs::path(TEMPER_SOURCE_DIR) / "README.md"};
  for (const auto& entry : fs::recursive_directory_iterator(fs::path(TEMPER_SOURCE_DIR) / "docs"))
    if (entry.path().extension() == ".md") all.push_back(entry.path());
  return all;
}

/// Whether `shown` is `printed`, where "..." stands for anything.
bool stands_for(const std::string& shown, const std::string& printed) {
  const std::regex special(R"([.^$|()\[\]{}*+?\\])"), dots(R"(\\\.\\\.\\\.)");
  const std::string exact = std::regex_replace(shown, special, R"(\$&)");
  return std::regex_match(printed, std::regex(std::regex_replace(exact, dots, ".*")));
}

}  // namespace

TEST_CASE("an error that the documentation shows is printed", "[docs]") {
  const test::TemporaryFolder folder;
  for (const auto& [name, text] : kFiles) std::ofstream(folder.path() / name) << text;
  const std::regex message(R"(temper: error: (\S+\.yaml) line [^`\n]*)");
  int found = 0;
  for (const fs::path& page : pages()) {
    const std::string text = test::slurp(page);
    for (std::sregex_iterator at(text.begin(), text.end(), message), end; at != end; ++at) {
      INFO(page << ": " << at->str());
      REQUIRE(kFiles.count(at->str(1)) == 1);
      const test::Ran ran = test::temper_command({"train", folder.file(at->str(1)), "--out", folder.file("run")});
      CHECK(ran.code == 1);
      std::string printed = ran.err.substr(0, ran.err.find('\n'));
      printed.erase(printed.find(folder.path().string() + "/"), folder.path().string().size() + 1);
      CAPTURE(printed);
      CHECK(stands_for(at->str(), printed));
      ++found;
    }
  }
  CHECK(found >= 2);
}
