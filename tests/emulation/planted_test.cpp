// The emulation finds what it is there to find.
#include "tests/emulation/planted.h"

#include <array>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <numeric>
#include <string>
#include <vector>

#include "kernels/runtime/check.h"
#include "kernels/runtime/device_array.h"
#include "kernels/runtime/not_emulated.h"
#include "tests/emulation/emulation.h"
#include "tests/fixtures/skip.h"

using namespace temper;
using planted::Barrier;

namespace {

std::vector<float> numbers(int n) {
  std::vector<float> v(n);
  std::iota(v.begin(), v.end(), 1.f);
  return v;
}

const Stream kStream{.device = Device::cuda};
using Floats = DeviceArray<float>;

std::vector<float> reversed(Barrier barrier, const std::vector<float>& of = numbers(64)) {
  const Floats y(kStream, 64), x(kStream, of);
  planted::reverse64(barrier, y.data(), x.data());
  return y.read(kStream);
}

/// Odd pairs of 32 numbers, swapped.
std::vector<float> swapped(unsigned mask) {
  const Floats y(kStream, 32), x(kStream, numbers(32));
  planted::swap_odd_pairs(mask, y.data(), x.data());
  return y.read(kStream);
}

/// What this program prints when it runs the hidden test `name` alone.
[[maybe_unused]] std::string output_of(const std::string& name) {
  const std::string command = "'" + std::filesystem::read_symlink("/proc/self/exe").string() + "' '" + name + "' 2>&1";
  FILE* pipe = popen(command.c_str(), "r");
  std::string text;
  for (std::array<char, 4096> part; fgets(part.data(), part.size(), pipe);) text += part.data();
  text += "\nexit " + std::to_string(pclose(pipe));
  return text;
}

}  // namespace

TEST_CASE("barriers, shared memory, shuffles, votes and atomics mean what they mean on a GPU", "[emulation]") {
  for (const uint32_t seed : {0u, 1u, 2u}) {
    emulation::set_schedule(seed);
    const std::vector<float> x = numbers(64);
    CHECK(reversed(Barrier::there) == std::vector<float>(x.rbegin(), x.rend()));

    const std::vector<float> y = swapped(0xaaaaaaaau);
    for (int i = 0; i < 32; ++i) CHECK(y[i] == (i % 2 ? x[i ^ 2] : 0.f));

    std::vector<float> v(1000);
    for (int i = 0; i < 1000; ++i) v[i] = static_cast<float>(i % 10) - 6.5f;
    const DeviceArray<int> count(kStream, std::vector<int>{5});
    planted::count_positive(1000, count.data(), Floats(kStream, v).data());
    CHECK(count.read(kStream)[0] == 305);
  }
  emulation::set_schedule(0);
}

TEST_CASE("a barrier that some threads never reach is an error that says who waits where", "[emulation]") {
  CHECK_THROWS_WITH(reversed(Barrier::partial), ContainsSubstring("64 of 64 threads of block (0, 0, 0) wait forever") &&
                                                    ContainsSubstring("planted.cu:"));
  CHECK_THROWS_WITH(reversed(Barrier::two), ContainsSubstring("threads of one block meet at different barriers"));
  CHECK(reversed(Barrier::there)[0] == 64);  // the next launch starts afresh
}

TEST_CASE("a warp operation needs all lanes of its mask, and the caller among them", "[emulation]") {
  CHECK_THROWS_WITH(swapped(0xffffffffu), ContainsSubstring("wait forever"));
  CHECK_THROWS_WITH(swapped(0x55555555u), ContainsSubstring("lane 1 is not in the mask it gives at"));
}

#if !defined(TEMPER_EMULATION_TSAN)
TEST_CASE("without its barrier a kernel depends on the order of its threads", "[emulation]") {
  const std::vector<float> zero(64);
  const auto run = [&](uint32_t seed) {
    emulation::set_schedule(seed);
    reversed(Barrier::missing, zero);  // shared memory is not cleared between launches
    return reversed(Barrier::missing);
  };
  const auto in_order = run(0), shuffled = run(3);
  emulation::set_schedule(0);
  CHECK(in_order != shuffled);
}
#endif

TEST_CASE("dynamic shared memory has the size that was asked for and begins as NaN", "[emulation]") {
  const int n = 20'000;  // 80 kB, more than a kernel has without asking
  const std::vector<float> x = numbers(n);
  const Floats y(kStream, n), from(kStream, x);
  planted::reverse_dynamic(n, {.shared_bytes = n * sizeof(float)}, y.data(), from.data());
  CHECK(y.read(kStream) == std::vector<float>(x.rbegin(), x.rend()));
  planted::reverse_dynamic(n, {.shared_bytes = n * sizeof(float), .gap = true}, y.data(), from.data());
  const std::vector<float> gaps = y.read(kStream);
  CHECK(std::isnan(gaps[0]));  // not what the launch before, or the other block, left
  CHECK(gaps[1] == x[n - 2]);
  CHECK_THROWS_WITH(planted::reverse_dynamic(n, {.shared_bytes = 228 << 10}, y.data(), from.data()),
                    ContainsSubstring("invalid configuration"));
}

TEST_CASE("what the emulation cannot run is refused and leaves nothing behind", "[emulation]") {
  const Floats y(kStream, std::vector<float>(64)), x(kStream, numbers(64));
  const auto reverse = [&](const planted::Dynamic& how) { planted::reverse_dynamic(64, how, y.data(), x.data()); };
  CHECK_THROWS_AS(reverse({.shared_bytes = 256, .cluster = 2}), NotEmulated);
  CHECK_THROWS_WITH(reverse({.shared_bytes = 256, .cluster = 2}), ContainsSubstring("has no clusters"));
  CHECK_THROWS_WITH(reverse({.shared_bytes = 256, .not_emulated = "cp.async.bulk"}),
                    ContainsSubstring("cannot run cp.async.bulk"));
  CHECK(y.read(kStream) == std::vector<float>(64));
}

// Run by the tests below in a process of their own, which a sanitizer ends.
TEST_CASE("planted stray read", "[.planted]") {
  const Floats y(kStream, 65), x(kStream, numbers(64));
  planted::copy(64, 0, y.data(), x.data());
  CHECK(y.read(kStream)[63] == 64);
  planted::copy(63, 2, y.data(), x.data());
  synchronize(kStream);
}
TEST_CASE("planted stray read of shared memory", "[.planted]") {
  const Floats y(kStream, 64), x(kStream, numbers(64));
  planted::reverse_dynamic(64, {.shared_bytes = 63 * sizeof(float)}, y.data(), x.data());
  synchronize(kStream);
}
TEST_CASE("planted missing barrier", "[.planted]") { reversed(Barrier::missing); }
TEST_CASE("planted common element", "[.planted]") {
  const Floats y(kStream, 1);
  planted::write_one_element(y.data());
  synchronize(kStream);
}
TEST_CASE("planted nothing", "[.planted]") { reversed(Barrier::there); }

TEST_CASE("AddressSanitizer reports a stray access at the kernel's line", "[emulation]") {
#if defined(__SANITIZE_ADDRESS__)
  const std::string text = output_of("planted stray read");
  CHECK_THAT(text, ContainsSubstring("heap-buffer-overflow") && ContainsSubstring("planted.cu:"));
  CHECK_THAT(output_of("planted stray read of shared memory"),
             ContainsSubstring("heap-buffer-overflow") && ContainsSubstring("planted.cu:"));
#else
  TEMPER_SKIP_ON_HOST("not an AddressSanitizer build");
#endif
}

TEST_CASE("ThreadSanitizer reports a missing barrier and two writers of one element", "[emulation]") {
#if defined(TEMPER_EMULATION_TSAN)
  CHECK_THAT(output_of("planted missing barrier"),
             ContainsSubstring("WARNING: ThreadSanitizer: data race") && ContainsSubstring("planted.cu:"));
  CHECK_THAT(output_of("planted common element"), ContainsSubstring("WARNING: ThreadSanitizer: data race"));
  CHECK_THAT(output_of("planted nothing"), !ContainsSubstring("ThreadSanitizer") && ContainsSubstring("exit 0"));
#else
  TEMPER_SKIP_ON_HOST("not a ThreadSanitizer build");
#endif
}
