#include "core/ops/linear.h"

#include "core/gemm/gemm.h"
#include "core/ops/elementwise.h"
#include "kernels/column_sum/column_sum.h"

namespace temper {

void column_sum(Tape& tape, const Tensor& x, float beta, const Tensor& y) {
  const int cols = static_cast<int>(x.shape[1]);
  const Tensor workspace = tape.alloc({column_sum_workspace(x.shape[0], cols)}, y.dtype);
  dispatch_float(x.dtype, [&](auto tag) {
    using T = decltype(tag);
    using Sum = compute_t<T>;
    column_sum<T>(tape.stream(), x.shape[0], cols, y.as<Sum>(), workspace.as<Sum>(), x.as<T>(), beta);
  });
}

Var linear(Tape& tape, const Var& input, const Var& w, const Var& bias) {
  const Var x = size_of(input.value.dtype) == 2 ? convert(tape, input, DType::f32) : input;
  const Shape &xs = x.value.shape, &ws = w.value.shape;
  TEMPER_CHECK(xs.rank() == 2 && ws.rank() == 2 && xs[1] == ws[1], "linear: x is ", xs, " so w must be (O, ", xs[-1],
               "), got ", ws);
  TEMPER_CHECK(!bias.value || bias.value.shape == Shape{ws[0]}, "linear: w is ", ws, " so bias must be (", ws[0],
               "), got ", bias.value.shape);
  const Tensor y = tape.alloc({xs[0], ws[0]}, x.value.dtype);
  gemm(tape.stream(), Transpose::no, Transpose::yes, x.value, w.value, {.bias = bias.value}, y);
  return tape.record("linear", y, {x, w, bias}, [=](Tape& tape, const Tensor& dy) {
    if (x.needs_grad()) {
      const GradSink s = tape.sink(x);
      gemm(tape.stream(), Transpose::no, Transpose::no, dy, w.value, {.beta = s.beta}, s.into);
    }
    if (w.needs_grad()) {
      const GradSink s = tape.sink(w);
      gemm(tape.stream(), Transpose::yes, Transpose::no, dy, x.value, {.beta = s.beta}, s.into);
    }
    if (bias.needs_grad()) {
      const GradSink s = tape.sink(bias);
      column_sum(tape, dy, s.beta, s.into);
    }
  });
}

}  // namespace temper
