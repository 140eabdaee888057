#include <set>

#include "kernels/runtime/not_emulated.h"
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
      try {
        for (const KernelCase& c : kernel_cases())
          if (c.kernel == kernel && c.size == CaseSize::test && runs_on(c, device))
            test::check_case(c, {.device = device});
      } catch (const NotEmulated& e) {
        TEMPER_SKIP_ON_HOST("not emulated: " << kernel << ": " << e.what());
      }
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
