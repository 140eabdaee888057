#include "core/ops/pool.h"

#include "core/ops/elementwise.h"
#include "core/ops/image.h"
#include "tests/fixtures/devices.h"
#include "tests/fixtures/gradcheck.h"

using namespace temper;
using test::GradCheck;
using test::numbers_of;
using test::tensor_of;

TEMPER_DEVICE_TEST("gradients of pooling ops", "[ops][grad]") {
  GradCheck check({{2, 5, 6, 3}}, device);
  for (const PoolOptions o : {PoolOptions{2, 2, 0}, {3, 2, 1}, {3, 1, 1}, {2, 3, 0}, {5, 5, 2}}) {
    INFO("size " << o.size << ", stride " << o.stride << ", pad " << o.pad);
    check.run([&](Tape& t, const auto& p) { return max_pool(t, p[0], o); });
    check.run([&](Tape& t, const auto& p) { return avg_pool(t, p[0], o); });
    check.run([&](Tape& t, const auto& p) { return add(t, avg_pool(t, p[0], o), max_pool(t, p[0], o)); });
  }
  check.run([](Tape& t, const auto& p) { return global_avg_pool(t, p[0]); });
  check.run([](Tape& t, const auto& p) { return flatten(t, p[0]); });
  check.run([](Tape& t, const auto& p) { return add(t, flatten(t, p[0]), flatten(t, p[0])); });
  check.run([](Tape& t, const auto& p) { return shortcut_pad(t, p[0], 2, 8); });
  check.run([](Tape& t, const auto& p) { return shortcut_pad(t, p[0], 1, 3); });
  check.run([](Tape& t, const auto& p) {
    return add(t, global_avg_pool(t, p[0]), global_avg_pool(t, shortcut_pad(t, p[0], 3, 3)));
  });
}

TEMPER_DEVICE_TEST("gradient of pad_far", "[ops][grad]") {
  GradCheck check({{2, 3, 4, 3}}, device);
  check.run([](Tape& t, const auto& p) { return pad_far(t, p[0], 1, 1); });
  check.run([](Tape& t, const auto& p) { return pad_far(t, p[0], 2, 0); });
  check.run([](Tape& t, const auto& p) { return add(t, pad_far(t, p[0], 0, 1), pad_far(t, p[0], 0, 1)); });
}

TEST_CASE("pad_far puts zeros below and to the right", "[ops]") {
  Engine engine({.arena_mb = 16});
  Tape tape(engine, Wrt::nothing);
  const Var x = tape.input(tensor_of(engine, {1, 2, 2, 1}, {1, 2, 3, 4}));
  const Var y = pad_far(tape, x, 1, 1);
  REQUIRE(y.value.shape == Shape{1, 3, 3, 1});
  CHECK(numbers_of(engine, y.value) == std::vector<double>{1, 2, 0, 3, 4, 0, 0, 0, 0});
  CHECK_THROWS_WITH(pad_far(tape, x, -1, 0),
                    "pad_far: expected x (N, H, W, C) and padding of 0 or more, got (1, 2, 2, 1), -1 and 0");
}

TEMPER_DEVICE_TEST("gradient of normalize", "[ops][grad]") {
  GradCheck check({{2, 3, 2, 3}}, device);
  check.run([](Tape& t, const auto& p) { return normalize(t, p[0], {0.1, 0.5, 0.2}, {0.5, 0.25, 2}); });
  check.run([](Tape& t, const auto& p) {
    return add(t, normalize(t, p[0], {0, 0, 0}, {0.5, 0.25, 2}), normalize(t, p[0], {}, {}));
  });
}

TEMPER_DEVICE_TEST("images are normalised into the compute type", "[ops][norm]") {
  Engine engine({.device = device, .compute = DType::bf16, .arena_mb = 16});
  Tape tape(engine, Wrt::input);
  const Var x = tape.input(tensor_of(engine, {1, 1, 2, 3}, {0, 0.5, 1, 0.25, 0.75, 0.125}));
  const Var y = normalize(tape, x, {0, 0.5, 0.5}, {0.5, 0.5, 0.25});
  REQUIRE(y.value.dtype == DType::bf16);
  CHECK(numbers_of(engine, y.value) == std::vector<double>{0, 0, 2, 0.5, 0.5, -1.5});
  const Var pooled = global_avg_pool(tape, y);
  REQUIRE(pooled.value.dtype == DType::f32);
  tape.backward(reshape(tape, pooled, {3}));
  REQUIRE(tape.grad(x).dtype == DType::f32);
  CHECK(numbers_of(engine, tape.grad(x)) == std::vector<double>{1, 1, 2, 1, 1, 2});
}

TEMPER_DEVICE_TEST("pooling follows its conventions", "[ops][pool]") {
  Engine engine({.device = device, .arena_mb = 16});
  Tape tape(engine, Wrt::input);
  // A tie in channel 0, the maximum of channel 1 three times.
  const Var x = tape.input(tensor_of(engine, {1, 2, 2, 2}, {1, -1, 1, -2, 1, -1, 1, -1}));
  SECTION("the first of equal maxima gets the gradient; padding never wins") {
    const Var y = max_pool(tape, x, {.size = 3, .stride = 2, .pad = 1});
    REQUIRE(y.value.shape == Shape{1, 1, 1, 2});
    CHECK(numbers_of(engine, y.value)[1] == -1);
    tape.backward(reshape(tape, y, {2}));
    const std::vector<double> gradient = numbers_of(engine, tape.grad(x));
    for (int i = 0; i < 8; ++i) CHECK(gradient[i] == (i < 2 ? 1 : 0));
  }
  SECTION("padding counts as zeros in the average") {
    const Var y = avg_pool(tape, x, {.size = 3, .stride = 2, .pad = 1});
    CHECK(numbers_of(engine, y.value)[0] == Approx(4.0 / 9));
  }
  SECTION("flatten puts channels first") {
    const Var y = flatten(tape, x);
    CHECK(numbers_of(engine, y.value) == std::vector<double>{1, 1, 1, 1, -1, -2, -1, -1});
  }
  SECTION("shortcut_pad keeps every stride-th pixel and pads channels on both sides") {
    const Var y = shortcut_pad(tape, x, 2, 5);
    REQUIRE(y.value.shape == Shape{1, 1, 1, 5});
    CHECK(numbers_of(engine, y.value) == std::vector<double>{0, 1, -1, 0, 0});
  }
}

TEST_CASE("pooling and normalize errors name the operands", "[errors]") {
  GradCheck world({{1, 2, 2, 3}, {2, 3}});
  Tape tape(world.engine(), Wrt::nothing);
  const Var x = tape.param(world.values(), 0), flat = tape.param(world.values(), 1);
  CHECK_THROWS_WITH(max_pool(tape, flat, {}),
                    "max_pool: expected x (N, H, W, C) with at least one element, got (2, 3)");
  CHECK_THROWS_WITH(avg_pool(tape, x, {.size = 3}),
                    "avg_pool: a 3x3 window with padding 0 does not fit x (1, 2, 2, 3)");
  CHECK_THROWS_WITH(max_pool(tape, x, {.size = 2, .stride = 2, .pad = 2}),
                    "max_pool: expected a size in 1..15, a stride above 0 and a padding of at most half the size, got "
                    "size 2, stride 2, padding 2");
  CHECK_THROWS_WITH(shortcut_pad(tape, x, 2, 2),
                    "shortcut_pad: x is (1, 2, 2, 3) so the stride must be above 0 and the channels at least 3, got 2 "
                    "and 2");
  CHECK_THROWS_WITH(normalize(tape, x, {0.5}, {0.5}),
                    "normalize: x is (1, 2, 2, 3) so mean and std must have 3 values each, got 1 and 1");
  CHECK_THROWS_WITH(normalize(tape, x, {0, 0, 0}, {1, 0, 1}),
                    "normalize: expected every std above 0, got 0 for channel 1");
  CHECK_THROWS_WITH(normalize(tape, flat, {0, 0, 0}, {1, 1, 1}),
                    "normalize: expected images (N, H, W, C) with 1 to 8 channels, got (2, 3)");
  Engine bf16({.compute = DType::bf16, .arena_mb = 16});
  Tape other(bf16, Wrt::nothing);
  CHECK_THROWS_WITH(normalize(other, stop_gradient(x), {0, 0, 0}, {1, 1, 1}),
                    "normalize: the engine computes in bf16 so images must be f32, got f64");
}
