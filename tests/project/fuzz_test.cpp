// Inputs that fuzzing found, or began with, through the same parsers (tests/fuzz/target.h). A file called ok_... is
// read without an error: it shows that the target gets past the first byte.
#include <filesystem>

#include "core/files/file.h"
#include "source_dir.h"
#include "tests/fixtures/catch.h"
#include "tests/fuzz/target.h"

using namespace temper;

TEST_CASE("every parser reads the inputs kept for it", "[fuzz]") {
  namespace fs = std::filesystem;
  const fs::path corpus = fs::path(TEMPER_SOURCE_DIR) / "tests/fuzz/corpus";
  for (const auto& [name, target] : fuzz::targets()) {
    INFO("target " << name);
    REQUIRE(fs::is_directory(corpus / name));
    int read = 0;
    for (const auto& entry : fs::directory_iterator(corpus / name)) {
      INFO("input " << entry.path());
      const std::vector<char> bytes = read_file(entry.path().string());
      const fuzz::Bytes input(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
      if (entry.path().filename().string().starts_with("ok_")) {
        REQUIRE_NOTHROW(target(input));
        ++read;
      } else {
        try {
          target(input);
        } catch (const Error&) {
        }
      }
    }
    CHECK(read > 0);
  }
  for (const auto& entry : fs::directory_iterator(corpus)) {
    INFO("inputs for a target that is not there: " << entry.path());
    CHECK(fuzz::targets().count(entry.path().filename().string()) == 1);
  }
}
