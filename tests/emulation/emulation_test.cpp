#include "tests/emulation/emulation.h"

#include <algorithm>

#include "tests/fixtures/catch.h"
#include "tests/fixtures/kernel_case_fixture.h"

using namespace temper;

namespace {

// AddressSanitizer guards the ends of every array itself, and to the byte. The sanitizers take their time: large cases
// are for the plain build.
#if defined(__SANITIZE_ADDRESS__)
constexpr int64_t kGuard = 0, kMost = 16'000;
#elif defined(TEMPER_EMULATION_TSAN)
constexpr int64_t kGuard = 64, kMost = 16'000;
#else
constexpr int64_t kGuard = 64, kMost = int64_t{1} << 40;
#endif

void check_all(int64_t guard, int64_t stagger, int64_t most) {
  for (const KernelCase& c : kernel_cases()) {
    if (is_large(c) || std::any_of(c.arrays.begin(), c.arrays.end(), [&](const CaseArray& a) { return a.n > most; }))
      continue;
    emulation::set_schedule(0);
    test::check_case(c, {.device = Device::cuda, .guard = guard, .stagger = stagger, .before_second = [] {
                           emulation::set_schedule(7);
                         }});
  }
  emulation::set_schedule(0);
}

}  // namespace

TEST_CASE("every kernel's device code agrees with its reference, whatever the order of threads and blocks",
          "[emulation]") {
  check_all(kGuard, 0, kMost);
}

TEST_CASE("every kernel takes arrays that start anywhere", "[emulation]") {
  SECTION("all one element behind an aligned place") { check_all(1, 0, 1500); }
  SECTION("each elsewhere") { check_all(1, 1, 1500); }
}
