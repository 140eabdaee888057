#include "core/ops_pool.h"

#include "core/ops_elementwise.h"
#include "core/ops_image.h"
#include "tests/gradcheck.h"

using namespace temper;
using test::GradCheck;

TEST_CASE("gradients of pooling ops", "[grad]") {
  GradCheck check({{2, 5, 6, 3}});
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

TEST_CASE("gradient of normalize", "[grad]") {
  GradCheck check({{2, 3, 2, 3}});
  check.run([](Tape& t, const auto& p) { return normalize(t, p[0], {0.1, 0.5, 0.2}, {0.5, 0.25, 2}); });
  check.run([](Tape& t, const auto& p) {
    return add(t, normalize(t, p[0], {0, 0, 0}, {0.5, 0.25, 2}), normalize(t, p[0], {}, {}));
  });
}

TEST_CASE("images are normalised into the compute type", "[norm]") {
  Engine engine({.compute = DType::bf16, .arena_mb = 16});
  float image[6] = {0, 0.5f, 1, 0.25f, 0.75f, 0.125f};
  Tape tape(engine, Wrt::input);
  const Var x = tape.input({image, {1, 1, 2, 3}, DType::f32, Device::cpu});
  const Var y = normalize(tape, x, {0, 0.5, 0.5}, {0.5, 0.5, 0.25});
  REQUIRE(y.value.dtype == DType::bf16);
  const float want[6] = {0, 0, 2, 0.5f, 0.5f, -1.5f};
  for (int i = 0; i < 6; ++i) CHECK(float(y.value.as<bfloat16>()[i]) == want[i]);
  const Var pooled = global_avg_pool(tape, y);
  REQUIRE(pooled.value.dtype == DType::f32);
  tape.backward(reshape(tape, pooled, {3}));
  REQUIRE(tape.grad(x).dtype == DType::f32);
  for (int i = 0; i < 6; ++i) CHECK(tape.grad(x).as<float>()[i] == (i % 3 == 2 ? 2.f : 1.f));
}

TEST_CASE("pooling follows its conventions", "[pool]") {
  Engine engine({.compute = DType::f64, .arena_mb = 16});
  Tape tape(engine, Wrt::input);
  double image[8] = {1, -1, 1, -2,
                     1, -1, 1, -1};  // (1, 2, 2, 2): a tie in channel 0, the maximum of channel 1 three times
  const Var x = tape.input({image, {1, 2, 2, 2}, DType::f64, Device::cpu});
  SECTION("the first of equal maxima gets the gradient; padding never wins") {
    const Var y = max_pool(tape, x, {.size = 3, .stride = 2, .pad = 1});
    REQUIRE(y.value.shape == Shape{1, 1, 1, 2});
    CHECK(y.value.as<double>()[1] == -1);
    tape.backward(reshape(tape, y, {2}));
    const double want[8] = {1, 1, 0, 0, 0, 0, 0, 0};
    for (int i = 0; i < 8; ++i) CHECK(tape.grad(x).as<double>()[i] == want[i]);
  }
  SECTION("padding counts as zeros in the average") {
    CHECK(avg_pool(tape, x, {.size = 3, .stride = 2, .pad = 1}).value.as<double>()[0] == Approx(4.0 / 9));
  }
  SECTION("flatten puts channels first") {
    const Var y = flatten(tape, x);
    const double want[8] = {1, 1, 1, 1, -1, -2, -1, -1};
    for (int i = 0; i < 8; ++i) CHECK(y.value.as<double>()[i] == want[i]);
  }
  SECTION("shortcut_pad keeps every stride-th pixel and pads channels on both sides") {
    const Var y = shortcut_pad(tape, x, 2, 5);
    REQUIRE(y.value.shape == Shape{1, 1, 1, 5});
    const double want[5] = {0, 1, -1, 0, 0};
    for (int i = 0; i < 5; ++i) CHECK(y.value.as<double>()[i] == want[i]);
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
