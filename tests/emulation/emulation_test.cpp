#include "tests/emulation/emulation.h"

#include <algorithm>
#include <map>

#include "kernels/runtime/not_emulated.h"
#include "tests/fixtures/kernel_case_fixture.h"
#include "tests/fixtures/skip.h"

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

/// The kernels that the emulation cannot run, and why; empty: all others were checked, and there are none.
std::string check_all(int64_t guard, int64_t stagger, int64_t most) {
  std::map<std::string, std::string> refused;
  for (const KernelCase& c : kernel_cases()) {
    if (c.size == CaseSize::network || !runs_on(c, Device::cuda) ||
        std::any_of(c.arrays.begin(), c.arrays.end(), [&](const CaseArray& a) { return a.n > most; }))
      continue;
    emulation::set_schedule(0);
    try {
      test::check_case(c, {.device = Device::cuda, .guard = guard, .stagger = stagger, .before_second = [] {
                             emulation::set_schedule(7);
                           }});
    } catch (const NotEmulated& e) {
      refused[c.kernel] = e.what();
    }
  }
  emulation::set_schedule(0);
  std::string text;
  for (const auto& [kernel, why] : refused) text += cat(text.empty() ? "not emulated: " : "; ", kernel, ": ", why);
  return text;
}

}  // namespace

TEST_CASE("every kernel's device code agrees with its reference, whatever the order of threads and blocks",
          "[emulation]") {
  const std::string refused = check_all(kGuard, 0, kMost);
  if (!refused.empty()) TEMPER_SKIP_ON_HOST(refused);
}

TEST_CASE("every kernel takes arrays that start anywhere", "[emulation]") {
  const int64_t stagger = GENERATE(0, 1);  // all one element behind an aligned place; each elsewhere
  const std::string refused = check_all(1, stagger, 1500);
  if (!refused.empty()) TEMPER_SKIP_ON_HOST(refused);
}
