#include "core/ops/pool.h"

#include "core/ops/elementwise.h"
#include "kernels/pool/pool.h"

namespace temper {

namespace {

void check_images(const char* who, const Tensor& x) {
  TEMPER_CHECK(x.shape.rank() == 4 && x.numel() > 0, who, ": expected x (N, H, W, C) with at least one element, got ",
               x.shape);
}

PoolShape pool_shape(const char* who, const Tensor& x, PoolOptions o) {
  check_images(who, x);
  TEMPER_CHECK(o.size > 0 && o.size <= 15 && o.stride > 0 && o.pad >= 0 && 2 * o.pad <= o.size, who,
               ": expected a size in 1..15, a stride above 0 and a padding of at most half the size, got size ", o.size,
               ", stride ", o.stride, ", padding ", o.pad);
  const PoolShape g{.n = x.shape[0],
                    .h = x.shape[1],
                    .w = x.shape[2],
                    .c = static_cast<int>(x.shape[3]),
                    .size = o.size,
                    .stride = o.stride,
                    .pad = o.pad};
  TEMPER_CHECK(g.h + 2 * g.pad >= g.size && g.w + 2 * g.pad >= g.size, who, ": a ", g.size, "x", g.size,
               " window with padding ", g.pad, " does not fit x ", x.shape);
  return g;
}

}  // namespace

Var max_pool(Tape& tape, const Var& x, PoolOptions options) {
  const PoolShape g = pool_shape("max_pool", x.value, options);
  const Shape shape{g.n, g.p(), g.q(), g.c};
  const Tensor y = tape.alloc(shape, x.value.dtype), argmax = tape.alloc(shape, DType::u8);
  dispatch_float(y.dtype, [&](auto tag) {
    using T = decltype(tag);
    max_pool_forward(tape.stream(), g, y.as<T>(), argmax.as<uint8_t>(), x.value.as<T>());
  });
  return tape.record("max_pool", y, {x}, [=](Tape& tape, const Tensor& dy) {
    const GradSink s = tape.sink(x);
    dispatch_float(dy.dtype, [&](auto tag) {
      using T = decltype(tag);
      max_pool_backward(tape.stream(), g, s.beta, s.into.as<T>(), dy.as<T>(), argmax.as<uint8_t>());
    });
  });
}

Var avg_pool(Tape& tape, const Var& x, PoolOptions options) {
  const PoolShape g = pool_shape("avg_pool", x.value, options);
  const Tensor y = tape.alloc({g.n, g.p(), g.q(), g.c}, x.value.dtype);
  dispatch_float(y.dtype, [&](auto tag) {
    using T = decltype(tag);
    avg_pool_forward(tape.stream(), g, y.as<T>(), x.value.as<T>());
  });
  return tape.record("avg_pool", y, {x}, [=](Tape& tape, const Tensor& dy) {
    const GradSink s = tape.sink(x);
    dispatch_float(dy.dtype, [&](auto tag) {
      using T = decltype(tag);
      avg_pool_backward(tape.stream(), g, s.beta, s.into.as<T>(), dy.as<T>());
    });
  });
}

Var global_avg_pool(Tape& tape, const Var& x) {
  check_images("global_avg_pool", x.value);
  const Shape& xs = x.value.shape;
  const int64_t n = xs[0], pixels = xs[1] * xs[2];
  const int c = static_cast<int>(xs[3]);
  const Tensor y = tape.alloc({n, c}, x.value.dtype == DType::f64 ? DType::f64 : DType::f32);
  dispatch_float(x.value.dtype, [&](auto tag) {
    using T = decltype(tag);
    global_avg_pool_forward<T>(tape.stream(), n, pixels, c, y.as<compute_t<T>>(), x.value.as<T>());
  });
  return tape.record("global_avg_pool", y, {x}, [=](Tape& tape, const Tensor& dy) {
    const GradSink s = tape.sink(x);
    const Tensor mask = tape.claim_relu(x) ? x.value : Tensor{};
    dispatch_float(x.value.dtype, [&](auto tag) {
      using T = decltype(tag);
      global_avg_pool_backward<T>(tape.stream(), n, pixels, c, s.beta, s.into.as<T>(), dy.as<compute_t<T>>(),
                                  mask.as<T>());
    });
  });
}

Var flatten(Tape& tape, const Var& x) {
  check_images("flatten", x.value);
  const Shape& xs = x.value.shape;
  const int64_t n = xs[0], pixels = xs[1] * xs[2], c = xs[3];
  if (pixels == 1) return reshape(tape, x, {n, c});
  const Tensor y = tape.alloc({n, c * pixels}, x.value.dtype);
  dispatch_float(y.dtype, [&](auto tag) {
    using T = decltype(tag);
    transpose(tape.stream(), n, pixels, c, 0.f, y.as<T>(), x.value.as<T>());
  });
  return tape.record("flatten", y, {x}, [=](Tape& tape, const Tensor& dy) {
    const GradSink s = tape.sink(x);
    dispatch_float(dy.dtype, [&](auto tag) {
      using T = decltype(tag);
      transpose(tape.stream(), n, c, pixels, s.beta, s.into.as<T>(), dy.as<T>());
    });
  });
}

Var shortcut_pad(Tape& tape, const Var& x, int stride, int channels) {
  check_images("shortcut_pad", x.value);
  const Shape& xs = x.value.shape;
  TEMPER_CHECK(stride > 0 && channels >= xs[3], "shortcut_pad: x is ", xs,
               " so the stride must be above 0 and the channels at least ", xs[3], ", got ", stride, " and ", channels);
  const int c = static_cast<int>(xs[3]);
  const ShortcutShape g{
      .n = xs[0], .h = xs[1], .w = xs[2], .c = c, .stride = stride, .wide = channels, .front = (channels - c) / 2};
  const Tensor y = tape.alloc({g.n, g.p(), g.q(), g.wide}, x.value.dtype);
  dispatch_float(y.dtype, [&](auto tag) {
    using T = decltype(tag);
    shortcut_pad_forward(tape.stream(), g, y.as<T>(), x.value.as<T>());
  });
  return tape.record("shortcut_pad", y, {x}, [=](Tape& tape, const Tensor& dy) {
    const GradSink s = tape.sink(x);
    dispatch_float(dy.dtype, [&](auto tag) {
      using T = decltype(tag);
      shortcut_pad_backward(tape.stream(), g, s.beta, s.into.as<T>(), dy.as<T>());
    });
  });
}

}  // namespace temper
