#include <cmath>

#include "core/arena.h"
#include "tests/catch.h"

using namespace temper;

TEST_CASE("a scope gives back what was allocated in it", "[arena]") {
  Arena arena(Device::cpu, 1 << 20);
  const Tensor kept = arena.tensor({10}, DType::f32);
  const void* inner = nullptr;
  {
    Arena::Scope scope(arena);
    inner = arena.tensor({100}, DType::f64).data;
  }
  CHECK(arena.tensor({100}, DType::f64).data == inner);
  CHECK(arena.peak() == 256 + 1024);
  CHECK(reinterpret_cast<uintptr_t>(kept.data) % 256 == 0);
}

TEST_CASE("a full arena says how to go on", "[arena][errors]") {
  Arena arena(Device::cpu, 1 << 20);
  CHECK_THROWS_WITH(arena.tensor({1 << 20}, DType::f32),
                    "arena: a tensor (1048576) of f32 needs 4 MB with 0 of 1 MB in use; raise memory.arena_mb or lower "
                    "batch_size");
}

#if !defined(NDEBUG)
TEST_CASE("a dangling view shows as NaN in debug builds", "[arena]") {
  Arena arena(Device::cpu, 1 << 20);
  Tensor dangling;
  {
    Arena::Scope scope(arena);
    dangling = arena.tensor({4}, DType::f32);
    dangling.as<float>()[0] = 1;
  }
  CHECK(std::isnan(dangling.as<float>()[0]));
}
#endif

TEST_CASE("rows of a tensor", "[tensor]") {
  Arena arena(Device::cpu, 1 << 20);
  const Tensor t = arena.tensor({6, 2, 3}, DType::f32);
  CHECK(t.rows(2, 3).shape == Shape{3, 2, 3});
  CHECK(t.rows(2, 3).as<float>() == t.as<float>() + 12);
  CHECK_THROWS_WITH(t.rows(5, 2), "rows: [5, 7) is outside a tensor of shape (6, 2, 3)");
  CHECK_THROWS_WITH(t.reshaped({5}), "reshaped: (6, 2, 3) has 36 elements, (5) has 5");
}
