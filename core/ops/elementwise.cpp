#include "core/ops/elementwise.h"

#include "kernels/axpby/axpby.h"
#include "kernels/convert/convert.h"
#include "kernels/relu/relu.h"
#include "kernels/silu/silu.h"

namespace temper {

void accumulate_gradient(Tape& tape, const Var& x, const Tensor& dy, ScalarArg<float> alpha) {
  const GradSink s = tape.sink(x);
  dispatch_float(dy.dtype, [&](auto tag) {
    using T = decltype(tag);
    axpby<T>(tape.stream(), dy.numel(), alpha, dy.as<T>(), s.beta, s.into.as<T>());
  });
}

// [relu]
Var relu(Tape& tape, const Var& x) {
  const Tensor y = tape.alloc(x.value.shape, x.value.dtype);
  dispatch_float(y.dtype, [&](auto tag) {
    using T = decltype(tag);
    relu_forward(tape.stream(), y.numel(), y.as<T>(), x.value.as<T>());
  });
  return tape.record("relu", y, {x}, [=](Tape& tape, const Tensor& dy) {
    const GradSink s = tape.sink(x);
    dispatch_float(y.dtype, [&](auto tag) {
      using T = decltype(tag);
      relu_backward(tape.stream(), y.numel(), y.as<T>(), dy.as<T>(), s.beta, s.into.as<T>());
    });
  });
}
// [relu]

// The gradient of a ReLU passes a gate, and so does a value: the kernel is the same.
Var gated(Tape& tape, const Var& x, const Tensor& open) {
  TEMPER_CHECK(x.value.shape == open.shape && x.value.dtype == open.dtype, "gated: x is ", x.value.shape, " ",
               x.value.dtype, ", open is ", open.shape, " ", open.dtype);
  const Tensor y = tape.alloc(x.value.shape, x.value.dtype);
  const auto pass = [open](Stream stream, const Tensor& from, float beta, const Tensor& to) {
    dispatch_float(from.dtype, [&](auto tag) {
      using T = decltype(tag);
      relu_backward(stream, from.numel(), open.as<const T>(), from.as<const T>(), beta, to.as<T>());
    });
  };
  pass(tape.stream(), x.value, 0.f, y);
  return tape.record("gated", y, {x}, [=](Tape& tape, const Tensor& dy) {
    const GradSink s = tape.sink(x);
    pass(tape.stream(), dy, s.beta, s.into);
  });
}

Var silu(Tape& tape, const Var& x) {
  const Tensor y = tape.alloc(x.value.shape, x.value.dtype);
  dispatch_float(y.dtype, [&](auto tag) {
    using T = decltype(tag);
    silu_forward(tape.stream(), y.numel(), y.as<T>(), x.value.as<T>());
  });
  return tape.record("silu", y, {x}, [=](Tape& tape, const Tensor& dy) {
    const GradSink s = tape.sink(x);
    dispatch_float(dy.dtype, [&](auto tag) {
      using T = decltype(tag);
      silu_backward(tape.stream(), dy.numel(), x.value.as<T>(), dy.as<T>(), s.beta, s.into.as<T>());
    });
  });
}

Var add(Tape& tape, const Var& a, const Var& b, ScalarArg<float> b_scale) {
  TEMPER_CHECK(a.value.shape == b.value.shape && a.value.dtype == b.value.dtype, "add: a is ", a.value.shape, " ",
               a.value.dtype, ", b is ", b.value.shape, " ", b.value.dtype);
  const Tensor y = tape.alloc(a.value.shape, a.value.dtype);
  dispatch_float(y.dtype, [&](auto tag) {
    using T = decltype(tag);
    weighted_sum<T>(tape.stream(), y.numel(), 1.f, a.value.as<T>(), b_scale, b.value.as<T>(), y.as<T>());
  });
  return tape.record("add", y, {a, b}, [=](Tape& tape, const Tensor& dy) {
    if (b.needs_grad()) accumulate_gradient(tape, b, dy, b_scale);
    if (a.needs_grad() && !tape.move_grad(a, dy)) accumulate_gradient(tape, a, dy, 1.f);
  });
}

Var scale(Tape& tape, const Var& x, ScalarArg<float> factor) {
  const Tensor y = tape.alloc(x.value.shape, x.value.dtype);
  dispatch_float(y.dtype, [&](auto tag) {
    using T = decltype(tag);
    axpby<T>(tape.stream(), y.numel(), factor, x.value.as<T>(), 0.f, y.as<T>());
  });
  return tape.record("scale", y, {x}, [=](Tape& tape, const Tensor& dy) { accumulate_gradient(tape, x, dy, factor); });
}

Var convert(Tape& tape, const Var& x, DType dtype) {
  if (x.value.dtype == dtype) return x;
  const Tensor y = tape.alloc(x.value.shape, dtype);
  const auto run = [](Stream stream, const Tensor& from, float beta, const Tensor& to) {
    const bool narrows = from.dtype == DType::f32;
    TEMPER_CHECK((narrows && size_of(to.dtype) == 2) || (size_of(from.dtype) == 2 && to.dtype == DType::f32),
                 "convert: expected f32 and bf16 or f16, got ", from.dtype, " and ", to.dtype);
    dispatch_half(narrows ? to.dtype : from.dtype, [&](auto tag) {
      using T = decltype(tag);
      if (narrows)
        convert<T, float>(stream, to.numel(), from.as<float>(), beta, to.as<T>());
      else
        convert<float, T>(stream, to.numel(), from.as<T>(), beta, to.as<float>());
    });
  };
  run(tape.stream(), x.value, 0.f, y);
  return tape.record("convert", y, {x}, [=](Tape& tape, const Tensor& dy) {
    const GradSink s = tape.sink(x);
    run(tape.stream(), dy, s.beta, s.into);
  });
}

Var reshape(Tape& tape, const Var& x, Shape shape) {
  return tape.record("reshape", x.value.reshaped(shape), {x}, [=](Tape& tape, const Tensor& dy) {
    if (!tape.move_grad(x, dy)) accumulate_gradient(tape, x, dy, 1.f);
  });
}

}  // namespace temper
