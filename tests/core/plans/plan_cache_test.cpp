#include "core/plans/plan_cache.h"

#include <filesystem>
#include <fstream>

#include "tests/fixtures/catch.h"
#include "tests/fixtures/temporary_folder.h"

using namespace temper;

namespace {

void overwrite(const std::string& path, const std::string& text) { std::ofstream(path) << text; }

std::string contents(const std::string& path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace

TEST_CASE("a kept plan is found again, by its own key alone", "[plans]") {
  const test::TemporaryFolder folder;
  PlanCache cache(folder.file("plans"));
  CHECK(!cache.load("conv a, device x"));
  cache.store("conv a, device x", "{\"engine\": 7}");
  CHECK(cache.load("conv a, device x") == "{\"engine\": 7}");
  CHECK(!cache.load("conv a, device y"));
  CHECK(PlanCache(folder.file("plans")).load("conv a, device x") == "{\"engine\": 7}");
  cache.store("conv a, device x", "other");
  CHECK(cache.load("conv a, device x") == "other");
  CHECK(cache.notes().empty());
}

TEST_CASE("without a folder nothing is kept", "[plans]") {
  PlanCache cache("");
  cache.store("key", "plan");
  CHECK(!cache.load("key"));
  CHECK(cache.notes().empty());
}

TEST_CASE("damaged and foreign plan files are passed over and named", "[plans]") {
  const test::TemporaryFolder folder;
  PlanCache cache(folder.path().string());
  cache.store("key", "plan");
  const std::string path = cache.path("key"), good = contents(path);
  const auto refused = [&](const std::string& text, const std::string& reason) {
    overwrite(path, text);
    CHECK(!cache.load("key"));
    CHECK_THAT(cache.notes().back(), ContainsSubstring(path + " is not used and its plan chosen anew: " + reason));
  };
  refused(good.substr(0, good.size() / 2), "it is damaged");
  refused("", "it is damaged");
  refused("[1, 2]", "it is damaged");
  std::string other = good;
  refused(other.replace(other.find("\"plan\"") + 9, 4, "plot"), "its checksum does not fit");
  other = good;
  refused(other.replace(other.find("key\": \"key") + 7, 3, "kex"), "it holds the plan of kex");
  other = good;
  refused(other.replace(other.find("format\": 2") + 9, 1, "9"), "it is of format 9, not 2");
  cache.store("key", "plan");
  CHECK(cache.load("key") == "plan");
}

TEST_CASE("what a killed process left beside its plans is removed, and not what another one is writing", "[plans]") {
  const test::TemporaryFolder folder;
  for (const char* file : {"old.json.part12-1", "new.json.part12-1", "old.json"}) overwrite(folder.file(file), "");
  for (const char* file : {"old.json.part12-1", "old.json"})
    std::filesystem::last_write_time(folder.file(file),
                                     std::filesystem::file_time_type::clock::now() - std::chrono::hours(2));
  PlanCache cache(folder.path().string());
  cache.store("key", "plan");
  CHECK_FALSE(std::filesystem::exists(folder.file("old.json.part12-1")));
  CHECK(std::filesystem::exists(folder.file("new.json.part12-1")));
  CHECK(std::filesystem::exists(folder.file("old.json")));
}

TEST_CASE("a plan folder that cannot be written is named once", "[plans]") {
  const test::TemporaryFolder folder;
  overwrite(folder.file("file"), "");
  PlanCache cache(folder.file("file/plans"));
  cache.store("a", "plan");
  cache.store("b", "plan");
  REQUIRE(cache.notes().size() == 1);
  CHECK_THAT(cache.notes()[0], ContainsSubstring("cannot be written, so plans will be chosen again next time"));
}
