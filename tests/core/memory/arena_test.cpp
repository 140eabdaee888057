#include <cmath>
#include <cstdlib>

#include "core/engine.h"
#include "kernels/runtime/memory.h"
#include "tests/fixtures/devices.h"

using namespace temper;

namespace {

constexpr size_t kMegabyte = 1 << 20;

Engine guarded(Device device = Device::cpu) {
  return Engine({.device = device, .arena_mb = 64, .guard = ArenaGuard::on});
}

void write(Engine& engine, const Tensor& t, int64_t at, uint8_t value) {
  const Stream s = engine.stream();
  copy(s, t.as<char>() + at, s.device, &value, Device::cpu, 1);
  synchronize(s);
}

}  // namespace

TEST_CASE("a scope gives back what was allocated in it", "[arena]") {
  Arena arena(Stream{}, {.limit = kMegabyte});
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
  Arena arena(Stream{}, {.limit = kMegabyte});
  CHECK_THROWS_WITH(arena.tensor({1 << 20}, DType::f32),
                    "arena: a tensor (1048576) of f32 needs 4 MB with 0 of 1 MB in use; raise memory.arena_mb or lower "
                    "batch_size");
  CHECK(arena.used() == 0);
  CHECK(arena.tensor({1 << 18}, DType::f32));
}

#if !defined(NDEBUG)
TEST_CASE("a dangling view shows as NaN in debug builds", "[arena]") {
  Arena arena(Stream{}, {.limit = kMegabyte});
  Tensor dangling;
  {
    Arena::Scope scope(arena);
    dangling = arena.tensor({4}, DType::f32);
    dangling.as<float>()[0] = 1;
  }
  CHECK(std::isnan(dangling.as<float>()[0]));
}
#endif

TEMPER_DEVICE_TEST("arena: memory grows with need and stays where it is", "[arena]") {
  Engine engine({.device = device, .guard = ArenaGuard::off});
  Arena& arena = engine.arena();
  const Arena::Scope scope(arena);
  const Tensor first = arena.tensor({64}, DType::u8);
  std::vector<uint8_t> bytes(64, 7), back(64);
  const Stream s = engine.stream();
  copy(s, first.data, device, bytes.data(), Device::cpu, bytes.size());
  // Beyond what was added first; a tensor across the border is one array.
  const int64_t large = 100 * int64_t{kMegabyte};
  const Tensor second = arena.tensor({large}, DType::u8), third = arena.tensor({large}, DType::u8);
  CHECK(second.as<char>() == first.as<char>() + 256);
  set_zero(s, second.data, second.bytes());
  set_zero(s, third.data, third.bytes());
  copy(s, third.data, device, second.data, device, second.bytes());
  copy(s, back.data(), Device::cpu, first.data, device, back.size());
  synchronize(s);
  CHECK(back == bytes);
  CHECK(arena.peak() == 256 + 2 * static_cast<size_t>(large));
}

TEMPER_DEVICE_TEST("arena: several engines live side by side", "[arena]") {
  Engine a({.device = device}), b({.device = device}), c({.device = device});
  const int64_t bytes = 100 * int64_t{kMegabyte};
  for (Engine* e : {&a, &b, &c}) {
    const Tensor t = e->arena().tensor({bytes}, DType::u8);
    set_zero(e->stream(), t.data, t.bytes());
    synchronize(e->stream());
  }
  CHECK(a.arena().used() == c.arena().used());
}

TEMPER_DEVICE_TEST("arena: a limit holds", "[arena][errors]") {
  Engine engine({.device = device, .arena_mb = 100, .guard = ArenaGuard::off});
  CHECK_THROWS_WITH(engine.arena().tensor({101 * int64_t{kMegabyte}}, DType::u8),
                    "arena: a tensor (105906176) of u8 needs 101 MB with 0 of 100 MB in use; raise memory.arena_mb or "
                    "lower batch_size");
  CHECK(engine.arena().tensor({100 * int64_t{kMegabyte}}, DType::u8));
}

TEST_CASE("arena: more than the GPU has is one clear error, and less still works", "[arena][errors][cuda]") {
  TEMPER_NEEDS_CUDA();
  Engine engine({.device = Device::cuda, .arena_mb = int64_t{1} << 20, .guard = ArenaGuard::off});
  if (!engine.arena().note().empty()) TEMPER_SKIP("this driver cannot add memory behind reserved addresses");
  CHECK_THROWS_WITH(engine.arena().tensor({int64_t{1} << 39}, DType::u8),
                    ContainsSubstring("arena: a tensor (549755813888) of u8 needs 524288 MB with 0 MB in use, and the "
                                      "GPU has ") &&
                        ContainsSubstring(" MB left; lower batch_size, or end other programs on this GPU"));
  CHECK(engine.arena().tensor({int64_t{kMegabyte}}, DType::u8));
}

TEST_CASE("arena: a step that is being recorded takes no more memory than the one before it", "[arena][errors][cuda]") {
  TEMPER_NEEDS_CUDA();
  Engine engine({.device = Device::cuda});
  if (!engine.arena().note().empty()) TEMPER_SKIP("this driver cannot add memory behind reserved addresses");
  engine.capture().begin();
  CHECK_THROWS_AS(engine.arena().tensor({200 * int64_t{kMegabyte}}, DType::u8), NotRepeatable);
  engine.capture().abandon();
  CHECK(engine.arena().tensor({200 * int64_t{kMegabyte}}, DType::u8));
}

TEMPER_DEVICE_TEST("arena: a guard names the tensor that something wrote beside", "[arena][guard]") {
  Engine engine = guarded(device);
  const auto damage = [&](int64_t at, uint8_t value) {
    const Arena::Scope scope(engine.arena());
    engine.arena().tensor({3}, DType::u8);
    const Tensor t = engine.arena().tensor({10, 2}, DType::f32);
    engine.arena().tensor({3}, DType::u8);
    CHECK(reinterpret_cast<uintptr_t>(t.data) % 256 == 0);
    write(engine, t, 79, 0);  // its last byte
    write(engine, t, at, value);
  };
  const std::string who =
      "arena: something wrote beside tensor 1 of the step, a (10, 2) of f32: the first of 1 damaged ";
  const std::string advice = "; look at the kernels that write this tensor or one next to it";
  CHECK_THROWS_WITH(damage(80, 3), who + "bytes is 0 after its end, where 165 was expected and 3 is" + advice);
  CHECK_THROWS_WITH(damage(256 + 255, 4), who + "bytes is 431 after its end, where 165 was expected and 4 is" + advice);
  CHECK_THROWS_WITH(damage(-1, 5), who + "bytes is 1 before its begin, where 165 was expected and 5 is" + advice);
  CHECK_NOTHROW(damage(80, 165));
  CHECK(engine.arena().used() == 0);
}

TEMPER_DEVICE_TEST("arena: a guard looks at what is freed, and at nothing else", "[arena][guard]") {
  Engine engine = guarded(device);
  const Tensor outer = engine.arena().tensor({4}, DType::f32);
  const auto inner = [&] {
    const Arena::Scope scope(engine.arena());
    engine.arena().tensor({4}, DType::f32);
    write(engine, outer, -1, 0);
  };
  CHECK_NOTHROW(inner());
}

TEST_CASE("arena: a guard does not replace the exception that ends a scope", "[arena][guard]") {
  Engine engine = guarded();
  const auto fails = [&] {
    const Arena::Scope scope(engine.arena());
    const Tensor t = engine.arena().tensor({4}, DType::f32);
    write(engine, t, 16, 0);
    fail("something else");
  };
  CHECK_THROWS_WITH(fails(), "something else");
  CHECK(engine.arena().used() == 0);
}

TEMPER_DEVICE_TEST("arena: what is recorded or planned has no guard, and the same addresses", "[arena][guard]") {
  Engine engine = guarded(device);
  const auto place = [&] {
    const Arena::Scope scope(engine.arena());
    return engine.arena().tensor({4}, DType::f32).data;
  };
  const void* done = place();
  {
    const Planning planning(engine.capture());
    CHECK(place() == done);
  }
  engine.capture().begin();
  CHECK(place() == done);
  engine.capture().end();
}

TEST_CASE("arena: the environment turns guards on", "[arena][guard][errors]") {
  const char* before = std::getenv("TEMPER_ARENA_GUARD");
  const std::string kept = before ? before : "";
  setenv("TEMPER_ARENA_GUARD", "1", 1);
  CHECK(EngineOptions{}.guard == ArenaGuard::on);
  setenv("TEMPER_ARENA_GUARD", "0", 1);
  CHECK(EngineOptions{}.guard == ArenaGuard::off);
  setenv("TEMPER_ARENA_GUARD", "yes", 1);
  CHECK_THROWS_WITH(EngineOptions{}, "TEMPER_ARENA_GUARD: expected 0 or 1, got yes");
  setenv("TEMPER_ARENA_GUARD", kept.c_str(), 1);
}

TEST_CASE("rows of a tensor", "[tensor]") {
  Arena arena(Stream{}, {.limit = kMegabyte});
  const Tensor t = arena.tensor({6, 2, 3}, DType::f32);
  CHECK(t.rows(2, 3).shape == Shape{3, 2, 3});
  CHECK(t.rows(2, 3).as<float>() == t.as<float>() + 12);
  CHECK_THROWS_WITH(t.rows(5, 2), "rows: [5, 7) is outside a tensor of shape (6, 2, 3)");
  CHECK_THROWS_WITH(t.reshaped({5}), "reshaped: (6, 2, 3) has 36 elements, (5) has 5");
}
