#include "core/ops_conv.h"

#include "core/ops_linear.h"

namespace temper {

namespace {

ConvShape conv_shape(const Var& x, const Var& w, ConvOptions o) {
  const Shape &xs = x.value.shape, &ws = w.value.shape;
  TEMPER_CHECK(xs.rank() == 4 && ws.rank() == 4 && xs[3] == ws[3], "conv2d: x is ", xs, " so w must be (K, R, S, ",
               xs.rank() == 4 ? xs[3] : 0, "), got ", ws);
  const ConvShape g{.n = xs[0], .h = xs[1], .w = xs[2], .c = xs[3], .k = ws[0], .r = ws[1], .s = ws[2],
                    .stride = o.stride, .pad = o.pad};
  TEMPER_CHECK(g.stride > 0 && g.pad >= 0 && g.h + 2 * g.pad >= g.r && g.w + 2 * g.pad >= g.s, "conv2d: a ", g.r, "x",
               g.s, " filter with padding ", g.pad, " and stride ", g.stride, " does not fit x ", xs);
  return g;
}

}  // namespace

Var conv2d(Tape& tape, const Var& x, const Var& w, const Var& bias, ConvOptions options) {
  const ConvShape g = conv_shape(x, w, options);
  TEMPER_CHECK(!bias.value || bias.value.shape == Shape{g.k}, "conv2d: w is ", w.value.shape, " so bias must be (", g.k,
               "), got ", bias.value.shape);
  const Tensor y = tape.alloc({g.n, g.p(), g.q(), g.k}, x.value.dtype);
  const ConvFilter filter{.w = w.value, .bias = bias.value, .stamp = w.stamp};
  tape.engine().conv().forward(tape.stream(), g, x.value, filter, {}, y);
  return tape.record("conv2d", y, {x, w, bias}, [=](Tape& tape, const Tensor& dy) {
    ConvBackend& conv = tape.engine().conv();
    if (bias.needs_grad()) {
      const GradSink s = tape.sink(bias);
      column_sum(tape.stream(), dy.reshaped({g.n * g.p() * g.q(), g.k}), s.beta, s.into);
    }
    if (w.needs_grad()) {
      const GradSink s = tape.sink(w);
      conv.backward_filter(tape.stream(), g, x.value, dy, s.beta, s.into);
    }
    if (x.needs_grad()) {
      const GradSink s = tape.sink(x);
      conv.backward_data(tape.stream(), g, dy, {.w = w.value, .stamp = w.stamp}, s.beta, s.into);
    }
  });
}

}  // namespace temper
