#include "core/registry.h"

#include <sys/wait.h>
#include <unistd.h>

#include "attacks/attack.h"
#include "core/text.h"
#include "tests/fixtures/catch.h"
#include "tests/fixtures/cli_fixture.h"

using namespace temper;

namespace {

struct Fruit {
  virtual ~Fruit() = default;
  virtual void fields(Fields&) {}
};

Registry<Fruit>::Make fruit() {
  return [] { return std::make_unique<Fruit>(); };
}

}  // namespace

TEST_CASE("registry: a name that two members have is an error that names both places, whatever is asked first") {
  Registry<Fruit> registry;
  const int first = __LINE__ + 1;
  registry.add("apple", "round", fruit());
  CHECK(registry.names() == std::vector<std::string>{"apple"});
  registry.add("pear", "less so", fruit());
  registry.add("apple", "another", fruit());
  registry.add("apple", "a third", fruit());
  const std::string error = cat("'apple' is registered twice: ", __FILE__, " line ", first, " and ", __FILE__, " line ",
                                first + 3, "; rename one of them, or link one of the two files only");
  const auto says = Catch::Matchers::Equals(error);
  CHECK_THROWS_WITH(registry.all(), says);
  CHECK_THROWS_WITH(registry.names(), says);
  CHECK_THROWS_WITH(registry.has("pear"), says);
  CHECK_THROWS_WITH(registry.make("pear"), says);
  const Config config = parse_config("fruit: {name: pear}", "f.yaml");
  Fields f(config);
  std::string name = "pear";
  CHECK_THROWS_WITH(registry.read(f, "fruit", name), says);
}

TEST_CASE("registry: a program with two members of one name says so and ends with 1", "[app]") {
  const pid_t child = ::fork();  // the names are the whole program's
  if (child == 0) {
    Registry<Attack>::instance().add("pgd", "one's own", {});
    const test::Ran ran = test::temper_command({"list"});
    const std::string begins = "temper: error: 'pgd' is registered twice: ";
    const bool right = ran.code == 1 && ran.err.rfind(begins, 0) == 0 &&
                       ran.err.find("presets.cpp line ") != std::string::npos &&
                       ran.err.find("registry_test.cpp line ") != std::string::npos;
    if (!right) (void)!::write(STDERR_FILENO, ran.err.data(), ran.err.size());
    ::_exit(right ? 0 : 7);
  }
  REQUIRE(child > 0);
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
}
