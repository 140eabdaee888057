#include "core/ops/per_sample.h"

#include "core/ops/elementwise.h"
#include "core/ops/per_sample_loss.h"
#include "kernels/axpby/axpby.h"
#include "kernels/columns/columns.h"
#include "kernels/pick/pick.h"
#include "kernels/product/product.h"
#include "kernels/row_sum/row_sum.h"
#include "kernels/softmax/softmax.h"
#include "kernels/unary/unary.h"

namespace temper {

namespace {

void check_matrix(const char* op, const Tensor& x) {
  TEMPER_CHECK(x.shape.rank() == 2 && x.numel() > 0, op, ": x must be (N, C) with at least one element, got ", x.shape);
}

/// A tensor for what f(y, x), of pointers to y and to x, computes of x.
template <class F>
Tensor result(Tape& tape, const char* op, const Tensor& x, Shape shape, F f) {
  TEMPER_CHECK(x.dtype == DType::f32 || x.dtype == DType::f64, op, ": expected f32 (f64), got ", x.dtype,
               "; convert() it first");
  const Tensor y = tape.alloc(shape, x.dtype);
  dispatch_full(x.dtype, [&](auto tag) {
    using T = decltype(tag);
    f(y.as<T>(), x.as<const T>());
  });
  return y;
}

/// Adds to the gradient of x, of an op with the gradient dy: f(dy, beta, dx), of pointers to dy and dx.
template <class F>
void add_gradient(Tape& tape, const Var& x, const Tensor& dy, F f) {
  const GradSink s = tape.sink(x);
  dispatch_full(dy.dtype, [&](auto tag) {
    using T = decltype(tag);
    f(dy.as<const T>(), s.beta, s.into.as<T>());
  });
}

/// The op y_i = f(x_i).
template <class Forward, class Backward>
Var of_elements(Tape& tape, const char* op, const Var& x, Forward forward, Backward backward) {
  const int64_t n = x.value.numel();
  const Tensor y = result(tape, op, x.value, x.value.shape, [&](auto* y, auto* x) { forward(tape.stream(), n, y, x); });
  return tape.record(op, y, {x}, [=](Tape& tape, const Tensor& dy) {
    add_gradient(tape, x, dy, [&]<class T>(const T* dy, float beta, T* dx) {
      backward(tape.stream(), n, x.value.as<const T>(), y.as<const T>(), dy, beta, dx);
    });
  });
}

/// The op that makes a row of y (N, C) of each row of z.
template <class Forward, class Backward>
Var of_rows(Tape& tape, const char* op, const Var& z, Forward forward, Backward backward) {
  check_matrix(op, z.value);
  const int64_t n = z.value.shape[0];
  const int cols = static_cast<int>(z.value.shape[1]);
  const Tensor y =
      result(tape, op, z.value, z.value.shape, [&](auto* y, auto* z) { forward(tape.stream(), n, cols, y, z); });
  return tape.record(op, y, {z}, [=](Tape& tape, const Tensor& dy) {
    add_gradient(tape, z, dy, [&]<class T>(const T* dy, float beta, T* dz) {
      backward(tape.stream(), n, cols, y.as<const T>(), dy, beta, dz);
    });
  });
}

/// The gradient of an op that took one column of each row.
void pick_gradient(Tape& tape, const Var& x, const Tensor& column, const Tensor& dy) {
  add_gradient(tape, x, dy, [&](auto* dy, float beta, auto* dx) {
    pick_backward(tape.stream(), x.value.shape[0], static_cast<int>(x.value.shape[1]), dy, column.as<int32_t>(), beta,
                  dx);
  });
}

Var total(Tape& tape, const char* op, const Var& x, double factor) {
  TEMPER_CHECK(x.value.shape.rank() == 1 && x.value.numel() > 0, op, ": expected one value per sample (N), got ",
               x.value.shape);
  return tape.record(op, reduced(tape, x.value, factor), {x}, [=](Tape& tape, const Tensor& dy) {
    add_gradient(tape, x, dy, [&](auto* dy, float beta, auto* dx) {
      add_scalar(tape.stream(), x.value.numel(), factor, dy, beta, dx);
    });
  });
}

}  // namespace

Var mul(Tape& tape, const Var& a, const Var& b) {
  check_same("mul", "a", a.value, "b", b.value);
  const int64_t n = a.value.numel();
  const Tensor y = result(tape, "mul", a.value, a.value.shape, [&]<class T>(T* y, const T* a) {
    product(tape.stream(), n, a, b.value.as<const T>(), 0.f, y);
  });
  return tape.record("mul", y, {a, b}, [=](Tape& tape, const Tensor& dy) {
    const auto accumulate = [&](const Var& x, const Var& other) {
      if (!x.needs_grad()) return;
      add_gradient(tape, x, dy, [&]<class T>(const T* dy, float beta, T* dx) {
        product(tape.stream(), n, dy, other.value.as<const T>(), beta, dx);
      });
    };
    accumulate(a, b);
    accumulate(b, a);
  });
}

Var log(Tape& tape, const Var& x, double plus) {
  return of_elements(
      tape, "log", x, [=](Stream s, int64_t n, auto* y, auto* x) { log_forward(s, n, plus, y, x); },
      [=](Stream s, int64_t n, auto* x, auto* /*y*/, auto* dy, float beta, auto* dx) {
        log_backward(s, n, plus, x, dy, beta, dx);
      });
}

Var exp(Tape& tape, const Var& x) {
  return of_elements(
      tape, "exp", x, [](Stream s, int64_t n, auto* y, auto* x) { exp_forward(s, n, y, x); },
      [](Stream s, int64_t n, auto* /*x*/, auto* y, auto* dy, float beta, auto* dx) {
        product(s, n, y, dy, beta, dx);
      });
}

Var clamp(Tape& tape, const Var& x, double lo, double hi) {
  TEMPER_CHECK(lo <= hi, "clamp: expected a range from low to high, got [", lo, ", ", hi, "]");
  const ClampRange to{lo, hi};
  return of_elements(
      tape, "clamp", x, [=](Stream s, int64_t n, auto* y, auto* x) { clamp_forward(s, n, to, y, x); },
      [=](Stream s, int64_t n, auto* x, auto* /*y*/, auto* dy, float beta, auto* dx) {
        clamp_backward(s, n, to, x, dy, beta, dx);
      });
}

Var one_minus(Tape& tape, const Var& x, double one) {
  return of_elements(
      tape, "one_minus", x, [=](Stream s, int64_t n, auto* y, auto* x) { subtract_from(s, n, one, y, x); },
      [](Stream s, int64_t n, auto* /*x*/, auto* /*y*/, auto* dy, float beta, auto* dx) {
        axpby(s, n, -1.f, dy, beta, dx);
      });
}

Var softmax(Tape& tape, const Var& z) {
  return of_rows(
      tape, "softmax", z, [](auto... a) { softmax_forward(a...); }, [](auto... a) { softmax_backward(a...); });
}

Var log_softmax(Tape& tape, const Var& z) {
  return of_rows(
      tape, "log_softmax", z, [](auto... a) { log_softmax_forward(a...); },
      [](auto... a) { log_softmax_backward(a...); });
}

Var pick(Tape& tape, const Var& x, const Tensor& labels) {
  check_matrix("pick", x.value);
  check_labels("pick", "x is", x.value, labels);
  const Shape& s = x.value.shape;
  const Tensor y = result(tape, "pick", x.value, {s[0]}, [&](auto* y, auto* x) {
    pick(tape.stream(), s[0], static_cast<int>(s[1]), y, x, labels.as<int32_t>());
  });
  return tape.record("pick", y, {x}, [=](Tape& tape, const Tensor& dy) { pick_gradient(tape, x, labels, dy); });
}

Var row_max(Tape& tape, const Var& x, const RowMaxOptions& options) {
  check_matrix("row_max", x.value);
  const Shape& s = x.value.shape;
  if (options.except) {
    check_labels("row_max", "x is", x.value, options.except);
    TEMPER_CHECK(s[1] >= 2, "row_max: expected at least 2 columns because one does not count, got ", s[1]);
  }
  const Tensor column = tape.alloc({s[0]}, DType::i32);
  const Tensor y = result(tape, "row_max", x.value, {s[0]}, [&](auto* y, auto* x) {
    row_max(tape.stream(), s[0], static_cast<int>(s[1]), y, column.as<int32_t>(), x, options.except.as<int32_t>());
  });
  return tape.record("row_max", y, {x}, [=](Tape& tape, const Tensor& dy) { pick_gradient(tape, x, column, dy); });
}

Var row_sum(Tape& tape, const Var& x) {
  check_matrix("row_sum", x.value);
  const Shape& s = x.value.shape;
  const int cols = static_cast<int>(s[1]);
  const Tensor y =
      result(tape, "row_sum", x.value, {s[0]}, [&](auto* y, auto* x) { row_sum(tape.stream(), s[0], cols, y, x, 1); });
  return tape.record("row_sum", y, {x}, [=](Tape& tape, const Tensor& dy) {
    add_gradient(tape, x, dy, [&](auto* dy, float beta, auto* dx) {
      row_sum_backward(tape.stream(), x.value.shape[0], cols, dy, beta, dx);
    });
  });
}

Var sum(Tape& tape, const Var& x) { return total(tape, "sum", x, 1); }

Var mean(Tape& tape, const Var& x) { return total(tape, "mean", x, 1.0 / static_cast<double>(x.value.numel())); }

Var columns(Tape& tape, const Var& x, int64_t begin, int64_t count) {
  check_matrix("columns", x.value);
  const Shape& s = x.value.shape;
  TEMPER_CHECK(begin >= 0 && count > 0 && begin + count <= s[1], "columns: [", begin, ", ", begin + count,
               ") is not a range of columns of x ", s);
  const ColumnRange range{
      .rows = s[0], .cols = static_cast<int>(s[1]), .begin = static_cast<int>(begin), .count = static_cast<int>(count)};
  const Tensor y = result(tape, "columns", x.value, {s[0], count},
                          [&](auto* y, auto* x) { take_columns(tape.stream(), range, y, x); });
  return tape.record("columns", y, {x}, [=](Tape& tape, const Tensor& dy) {
    add_gradient(tape, x, dy, [&](auto* dy, float beta, auto* dx) { put_columns(tape.stream(), range, dy, beta, dx); });
  });
}

}  // namespace temper
