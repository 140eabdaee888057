#include "tests/emulation/emulation.h"

#include "tests/catch.h"
#include "tests/kernel_case_fixture.h"

using namespace temper;

namespace {

// AddressSanitizer guards the ends of every array itself, and to the byte.
#if defined(__SANITIZE_ADDRESS__)
constexpr int64_t kGuard = 0;
#else
constexpr int64_t kGuard = 64;
#endif

void check_all(int64_t guard) {
  for (const KernelCase& c : kernel_cases()) {
    emulation::set_schedule(0);
    test::check_case(c, {.device = Device::cuda, .guard = guard, .before_second = [] { emulation::set_schedule(7); }});
  }
  emulation::set_schedule(0);
}

}  // namespace

TEST_CASE("every kernel's device code agrees with its reference, whatever the order of threads and blocks",
          "[emulation]") {
  check_all(kGuard);
}

TEST_CASE("every kernel takes arrays that start anywhere", "[emulation]") { check_all(1); }
