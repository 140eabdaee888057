#include "core/ops/per_sample.h"

#include <cmath>

#include "core/ops/elementwise.h"
#include "core/ops/loss.h"
#include "tests/fixtures/devices.h"
#include "tests/fixtures/gradcheck.h"

using namespace temper;
using test::GradCheck;
using test::labels_of;
using test::numbers_of;
using test::tensor_of;

TEMPER_DEVICE_TEST("gradients of the per-sample algebra", "[ops][grad][per_sample]") {
  GradCheck check({{4, 5}, {4, 5}}, device);
  const auto labels = [](Tape& t) { return labels_of(t.engine(), {0, 4, 2, 2}); };
  check.run([](Tape& t, const auto& p) { return mul(t, p[0], p[1]); });
  check.run([](Tape& t, const auto& p) { return mul(t, p[0], p[0]); });
  check.run([](Tape& t, const auto& p) { return exp(t, p[0]); });
  check.run([](Tape& t, const auto& p) { return log(t, exp(t, p[0])); });
  check.run([](Tape& t, const auto& p) { return log(t, p[0], 1.5); });
  check.run([](Tape& t, const auto& p) { return row_sum(t, p[0]); });
  check.run([](Tape& t, const auto& p) { return one_minus(t, p[0], 1.5); });
  check.run([](Tape& t, const auto& p) { return clamp(t, p[0], -0.4, 0.3); });
  check.run([](Tape& t, const auto& p) { return softmax(t, p[0]); });
  check.run([](Tape& t, const auto& p) { return log_softmax(t, p[0]); });
  check.run([&](Tape& t, const auto& p) { return pick(t, p[0], labels(t)); });
  check.run([](Tape& t, const auto& p) { return row_max(t, p[0]); });
  check.run([&](Tape& t, const auto& p) { return row_max(t, p[0], {.except = labels(t)}); });
  check.run([](Tape& t, const auto& p) { return sum(t, row_max(t, p[0])); });
  check.run([](Tape& t, const auto& p) { return mean(t, row_max(t, p[0])); });
  check.run([](Tape& t, const auto& p) { return columns(t, p[0], 1, 3); });
  check.run([](Tape& t, const auto& p) { return rows(t, p[0], 1, 2); });
  check.run([](Tape& t, const auto& p) { return concat(t, p[0], p[1]); });
}

TEMPER_DEVICE_TEST("an operand that several per-sample ops take gets the sum of their gradients",
                   "[ops][grad][per_sample]") {
  GradCheck check({{4, 5}, {4, 5}}, device);
  const auto labels = [](Tape& t) { return labels_of(t.engine(), {0, 4, 2, 2}); };
  check.run([&](Tape& t, const auto& p) {
    const Var q = softmax(t, p[0]), z = log_softmax(t, p[0]);
    const Var parts = add(t, pick(t, q, labels(t)), row_max(t, q, {.except = labels(t)}));
    return mul(t, add(t, parts, pick(t, z, labels(t))), one_minus(t, row_max(t, exp(t, p[0])), 3));
  });
  check.run([](Tape& t, const auto& p) {  // two heads and a third that overlaps them
    return add(t, mul(t, columns(t, p[0], 0, 2), columns(t, p[0], 3, 2)), columns(t, clamp(t, p[0], -0.5, 0.5), 1, 2));
  });
  check.run([](Tape& t, const auto& p) {
    const Var both = concat(t, p[0], p[1]);
    return add(t, mul(t, rows(t, both, 0, 4), rows(t, both, 4, 4)), rows(t, log(t, exp(t, both)), 2, 4));
  });
  check.run([](Tape& t, const auto& p) { return concat(t, p[0], p[0]); });
}

TEMPER_DEVICE_TEST("per-sample algebra has its closed-form values", "[ops][per_sample]") {
  Engine engine({.device = device, .compute = DType::f64, .arena_mb = 16});
  Tape tape(engine, Wrt::nothing);
  const Var z{tensor_of(engine, {2, 3}, {1, 2, 4, 1e4, -1e4, 0})};
  const auto is = [&](const Var& got, const std::vector<double>& want) {
    const std::vector<double> values = numbers_of(engine, got.value);
    REQUIRE(values.size() == want.size());
    for (size_t i = 0; i < want.size(); ++i) CHECK(values[i] == Approx(want[i]).epsilon(1e-14));
  };
  const double lse = std::log(std::exp(1.0) + std::exp(2.0) + std::exp(4.0));
  is(softmax(tape, z), {std::exp(1 - lse), std::exp(2 - lse), std::exp(4 - lse), 1, 0, 0});
  is(log_softmax(tape, z), {1 - lse, 2 - lse, 4 - lse, 0, -2e4, -1e4});
  is(pick(tape, z, labels_of(engine, {1, 2})), {2, 0});
  is(row_max(tape, z), {4, 1e4});
  is(row_sum(tape, z), {7, 0});
  is(log(tape, columns(tape, z, 0, 1), 3), {std::log(4.0), std::log(10003.0)});
  is(row_max(tape, z, {.except = labels_of(engine, {2, 0})}), {2, 0});
  is(clamp(tape, z, 1.5, 4), {1.5, 2, 4, 4, 1.5, 1.5});
  is(one_minus(tape, z, 2), {1, 0, -2, 2 - 1e4, 2 + 1e4, 2});
  is(mul(tape, z, z), {1, 4, 16, 1e8, 1e8, 0});
  is(columns(tape, z, 1, 2), {2, 4, -1e4, 0});
  is(rows(tape, z, 1, 1), {1e4, -1e4, 0});
  is(concat(tape, rows(tape, z, 1, 1), z), {1e4, -1e4, 0, 1, 2, 4, 1e4, -1e4, 0});
  const Var per_sample{tensor_of(engine, {4}, {1, 2, 3, 6})};
  is(sum(tape, per_sample), {12});
  is(mean(tape, per_sample), {3});
}

TEMPER_DEVICE_TEST("what is not a number stays visible through per-sample ops", "[ops][per_sample]") {
  Engine engine({.device = device, .arena_mb = 16});
  Tape tape(engine, Wrt::nothing);
  const Var z{tensor_of(engine, {2, 3}, {1, NAN, 4, 1, 2, 3})};
  const auto values = [&](const Var& v) { return numbers_of(engine, v.value); };
  CHECK(std::isnan(values(row_max(tape, z))[0]));
  CHECK(values(row_max(tape, z, {.except = labels_of(engine, {1, 0})})) == std::vector<double>{4, 3});
  CHECK(std::isnan(values(row_max(tape, z, {.except = labels_of(engine, {1, 3})}))[1]));
  CHECK(std::isnan(values(pick(tape, z, labels_of(engine, {0, -1})))[1]));
  CHECK(std::isnan(values(clamp(tape, z, 0, 1))[1]));
  CHECK(std::isnan(values(softmax(tape, z))[0]));
}

TEMPER_DEVICE_TEST("rows and concat take batches of any shape and type", "[ops][per_sample]") {
  Engine engine({.device = device, .arena_mb = 16});
  Tape tape(engine, Wrt::input);
  const Var x = tape.input(tensor_of(engine, {3, 2, 2, 1}, test::wave(12, 1)));
  const Var narrow = convert(tape, x, DType::bf16);
  const Var turned = concat(tape, rows(tape, narrow, 2, 1), rows(tape, narrow, 0, 2));
  REQUIRE(turned.value.shape == Shape{3, 2, 2, 1});
  const std::vector<double> of = numbers_of(engine, narrow.value), got = numbers_of(engine, turned.value);
  for (size_t i = 0; i < 12; ++i) CHECK(got[i] == of[(i + 8) % 12]);
  tape.backward(sum(tape, reshape(tape, convert(tape, rows(tape, turned, 1, 1), DType::f32), {4})));
  CHECK(numbers_of(engine, tape.grad(x)) == std::vector<double>{1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0});
}

TEST_CASE("errors of per-sample ops name the operands", "[errors][per_sample]") {
  Engine engine({.arena_mb = 16});
  Tape tape(engine, Wrt::nothing);
  const Var z{tensor_of(engine, {2, 3}, std::vector<double>(6))},
      other{tensor_of(engine, {3, 2}, std::vector<double>(6))};
  const Var one{tensor_of(engine, {2, 1}, {0, 0})};
  const Tensor labels = labels_of(engine, {0, 1, 2}), two = labels_of(engine, {0, 0});
  CHECK_THROWS_WITH(mul(tape, z, other), "mul: a is (2, 3) f32 so b must be too, got (3, 2) f32");
  CHECK_THROWS_WITH(log(tape, {labels}), "log: expected f32 (f64), got i32; convert() it first");
  CHECK_THROWS_WITH(clamp(tape, z, 1, 0), "clamp: expected a range from low to high, got [1, 0]");
  CHECK_THROWS_WITH(softmax(tape, {z.value.reshaped({6})}),
                    "softmax: x must be (N, C) with at least one element, got (6)");
  CHECK_THROWS_WITH(pick(tape, z, labels), "pick: x is (2, 3) so labels must be (2) i32, got (3) i32");
  CHECK_THROWS_WITH(row_max(tape, z, {.except = labels}),
                    "row_max: x is (2, 3) so labels must be (2) i32, got (3) i32");
  CHECK_THROWS_WITH(row_max(tape, one, {.except = two}),
                    "row_max: expected at least 2 columns because one does not count, got 1");
  CHECK_THROWS_WITH(mean(tape, z), "mean: expected one value per sample (N), got (2, 3)");
  CHECK_THROWS_WITH(columns(tape, z, 2, 2), "columns: [2, 4) is not a range of columns of x (2, 3)");
  CHECK_THROWS_WITH(rows(tape, z, 1, 2), "rows: [1, 3) is outside a tensor of shape (2, 3)");
  CHECK_THROWS_WITH(concat(tape, z, other),
                    "concat: a is (2, 3) f32 so b must be the same but for the first extent, got (3, 2) f32");
}
