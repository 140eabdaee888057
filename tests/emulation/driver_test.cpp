// An arena on a driver with and without virtual memory management.
#include "tests/emulation/driver.h"
#include "core/engine.h"
#include "kernels/runtime/memory.h"
#include "tests/emulation/device_memory.h"
#include "tests/fixtures/catch.h"

using namespace temper;

namespace {

constexpr size_t kMegabyte = size_t{1} << 20;

int64_t used_mb() { return static_cast<int64_t>(emulation::device_used() / kMegabyte); }

}  // namespace

TEST_CASE("driver: an arena takes what it needs, in pieces, and gives it back", "[arena][emulation]") {
  const int64_t before = used_mb();
  {
    Engine a({.device = Device::cuda, .guard = ArenaGuard::off}), b({.device = Device::cuda, .guard = ArenaGuard::off});
    const int64_t engines = used_mb();  // with the work space of their matrix products
    a.arena().tensor({1}, DType::f32);
    CHECK(used_mb() == engines + 64);
    a.arena().tensor({60 * int64_t{kMegabyte}}, DType::u8);
    CHECK(used_mb() == engines + 64);
    b.arena().tensor({200 * int64_t{kMegabyte}}, DType::u8);
    CHECK(used_mb() == engines + 64 + 256);
    CHECK(a.arena().note().empty());
  }
  CHECK(used_mb() == before);
}

TEST_CASE("driver: the last megabytes are taken without the rest of a piece", "[arena][emulation][errors]") {
  Engine engine({.device = Device::cuda, .guard = ArenaGuard::off});
  Arena& arena = engine.arena();
  const auto left = [] { return static_cast<int64_t>(emulation::device_capacity() - emulation::device_used()); };
  arena.tensor({left() - 10 * int64_t{kMegabyte}}, DType::u8);
  CHECK(left() < 12 * int64_t{kMegabyte});
  CHECK_THROWS_WITH(arena.tensor({20 * int64_t{kMegabyte}}, DType::u8),
                    ContainsSubstring(" MB in use, and the GPU has ") && ContainsSubstring(" of 8192 MB left"));
  arena.tensor({4 * int64_t{kMegabyte}}, DType::u8);
  CHECK(left() < 8 * int64_t{kMegabyte});
}

TEST_CASE("driver: without virtual memory management an arena takes its limit at once, and says so",
          "[arena][emulation]") {
  const emulation::OldDriver old;
  const int64_t before = used_mb();
  Engine engine({.device = Device::cuda, .arena_mb = 100, .guard = ArenaGuard::off});
  CHECK(used_mb() >= before + 100);
  CHECK(engine.arena().note() ==
        "arena: this driver cannot add memory behind reserved addresses, so 100 MB were taken at once; set "
        "memory.arena_mb to leave other programs more");
  CHECK(engine.arena().tensor({100 * int64_t{kMegabyte}}, DType::u8));
  CHECK_THROWS_WITH(engine.arena().tensor({1}, DType::u8), ContainsSubstring("raise memory.arena_mb"));
  const Engine other({.device = Device::cuda, .guard = ArenaGuard::off});
  CHECK(used_mb() < 8192 - 1000);  // a fifth of what was free is left
}
