#include "core/ops/per_sample_loss.h"

#include "core/ops/elementwise.h"
#include "core/ops/per_sample.h"
#include "kernels/axpby/axpby.h"
#include "kernels/product/product.h"
#include "kernels/row_sum/row_sum.h"
#include "tests/fixtures/devices.h"
#include "tests/fixtures/gradcheck.h"

using namespace temper;
using test::GradCheck;
using test::tensor_of;

namespace {

/// sum_c a_c b_c of each row, with its gradient, as a loss outside core/ops/loss.cpp is written.
Var inner_product(Tape& tape, const Var& a, const Var& b, Reduction reduction) {
  return per_sample_loss(tape, "inner_product", reduction, {a, b}, [&]<class T>(const LossArrays<T>& of) {
    const Stream stream = tape.stream();
    const int64_t n = of.rows * of.cols;
    const Tensor products = tape.alloc({n}, a.value.dtype);
    product<T>(stream, n, of.value[0], of.value[1], 0.f, products.as<T>());
    row_sum<T>(stream, of.rows, of.cols, of.loss, products.as<T>(), 1);
    for (const int side : {0, 1})
      if (of.gradient[side]) axpby<T>(stream, n, 1.f, of.value[1 - side], 0.f, of.gradient[side]);
  });
}

}  // namespace

TEMPER_DEVICE_TEST("a per-sample loss outside the engine differentiates both operands under every reduction",
                   "[losses][grad]") {
  GradCheck check({{4, 5}, {4, 5}}, device);
  for (const Reduction r : {Reduction::none, Reduction::mean, Reduction::sum, Reduction::elementwise}) {
    check.run([&](Tape& t, const auto& p) { return inner_product(t, p[0], p[1], r); });
    check.run([&](Tape& t, const auto& p) {
      return inner_product(t, p[0], {tensor_of(t.engine(), {4, 5}, test::wave(20, 8))}, r);
    });
    check.run([&](Tape& t, const auto& p) { return inner_product(t, p[1], p[1], r); });
  }
}

TEST_CASE("errors of a per-sample loss name it", "[losses][errors]") {
  Engine engine({.arena_mb = 16});
  Tape tape(engine, Wrt::nothing);
  const Var a{tensor_of(engine, {2, 3}, std::vector<double>(6))}, b{tensor_of(engine, {3, 2}, std::vector<double>(6))};
  const Var flat{a.value.reshaped({6})};
  CHECK_THROWS_WITH(inner_product(tape, a, b, Reduction::mean),
                    "inner_product: the first operand is (2, 3) f32 so the second must be too, got (3, 2) f32");
  CHECK_THROWS_WITH(inner_product(tape, flat, flat, Reduction::mean),
                    "inner_product: expected operands (N, C) with at least one element, got (6)");
  CHECK_THROWS_WITH(per_sample_loss(tape, "of_three", Reduction::none, {a, a, a}, [](const auto&) {}),
                    "of_three: expected one operand or two, got 3");
}
