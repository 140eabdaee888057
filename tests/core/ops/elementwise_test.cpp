#include "core/ops/elementwise.h"
#include "core/ops/conv.h"
#include "core/ops/linear.h"
#include "tests/fixtures/devices.h"
#include "tests/fixtures/gradcheck.h"

using namespace temper;
using test::GradCheck;

TEMPER_DEVICE_TEST("gradients of elementwise ops", "[ops][grad]") {
  GradCheck check({{3, 4}, {3, 4}}, device);
  check.run([](Tape& t, const auto& p) { return relu(t, p[0]); });
  check.run([](Tape& t, const auto& p) { return silu(t, p[0]); });
  check.run([](Tape& t, const auto& p) { return add(t, silu(t, p[0]), silu(t, silu(t, p[0]))); });
  check.run([](Tape& t, const auto& p) { return add(t, p[0], p[1], -0.5f); });
  check.run([](Tape& t, const auto& p) { return add(t, p[0], p[0], 2.f); });
  check.run([](Tape& t, const auto& p) { return scale(t, p[1], 3.f); });
  check.run([](Tape& t, const auto& p) { return reshape(t, relu(t, p[0]), {4, 3}); });
  check.run([](Tape& t, const auto& p) {
    const Var a = relu(t, p[0]);
    return add(t, add(t, a, p[1]), reshape(t, a, {3, 4}));
  });
}

TEMPER_DEVICE_TEST("gradient of linear", "[ops][grad]") {
  GradCheck check({{3, 5}, {4, 5}, {4}}, device);
  check.run([](Tape& t, const auto& p) { return linear(t, p[0], p[1], p[2]); });
  check.run([](Tape& t, const auto& p) { return linear(t, p[0], p[1], {}); });
}

TEMPER_DEVICE_TEST("gradient of conv2d", "[ops][grad]") {
  GradCheck check({{2, 5, 6, 3}, {4, 3, 3, 3}, {4}}, device);
  check.run([](Tape& t, const auto& p) { return conv2d(t, p[0], p[1], p[2], {.stride = 1, .pad = 1}); });
  check.run([](Tape& t, const auto& p) { return conv2d(t, p[0], p[1], {}, {.stride = 2, .pad = 1}); });
  check.run([](Tape& t, const auto& p) { return conv2d(t, p[0], p[1], p[2], {.stride = 2, .pad = 0}); });
}

TEST_CASE("op errors name the operands", "[errors]") {
  GradCheck check({{3, 5}, {4, 6}});
  Tape tape(check.engine(), Wrt::nothing);
  const Var a = tape.param(check.values(), 0), b = tape.param(check.values(), 1);
  CHECK_THROWS_WITH(linear(tape, a, b, {}), "linear: x is (3, 5) so w must be (O, 5), got (4, 6)");
  CHECK_THROWS_WITH(add(tape, a, b), "add: a is (3, 5) f64, b is (4, 6) f64");
}
