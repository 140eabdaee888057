#include <set>

#include "tests/fixtures/devices.h"
#include "tests/fixtures/kernel_case_fixture.h"

using namespace temper;

namespace {

std::vector<std::string> kernels() {
  std::set<std::string> names;
  for (const KernelCase& c : kernel_cases()) names.insert(c.kernel);
  return {names.begin(), names.end()};
}

}  // namespace

TEMPER_DEVICE_TEST("every kernel case agrees with its reference", "[kernels]") {
  for (const std::string& kernel : kernels()) {
    DYNAMIC_SECTION(kernel) {
      for (const KernelCase& c : kernel_cases())
        if (c.kernel == kernel && !is_large(c)) test::check_case(c, {.device = device});
    }
  }
}

TEST_CASE("kernel case names are unique", "[kernels]") {
  std::set<std::string> seen;
  for (const KernelCase& c : kernel_cases()) {
    INFO(c.kernel << "/" << c.name);
    CHECK(seen.insert(c.kernel + "/" + c.name).second);
  }
}
