#include "core/ops/conv.h"

#include <algorithm>
#include <optional>

#include "core/convolution/conv_epilogue.h"
#include "core/ops/elementwise.h"
#include "core/ops/linear.h"
#include "kernels/relu/relu.h"
#include "kernels/runtime/range.h"

namespace temper {

namespace {

ConvShape conv_shape(const Var& x, const Filter& w, ConvOptions o) {
  const Shape &xs = x.value.shape, &ws = w.value.value.shape;
  TEMPER_CHECK(xs.rank() == 4 && ws.rank() == 4 && xs[3] == ws[3], "conv2d: x is ", xs, " so w must be (K, R, S, ",
               xs.rank() == 4 ? xs[3] : 0, "), got ", ws);
  const ConvShape g{.n = xs[0],
                    .h = xs[1],
                    .w = xs[2],
                    .c = xs[3],
                    .k = ws[0],
                    .r = ws[1],
                    .s = ws[2],
                    .stride = o.stride,
                    .pad = o.pad};
  TEMPER_CHECK(g.stride > 0 && g.pad >= 0 && g.h + 2 * g.pad >= g.r && g.w + 2 * g.pad >= g.s, "conv2d: a ", g.r, "x",
               g.s, " filter with padding ", g.pad, " and stride ", g.stride, " does not fit x ", xs);
  return g;
}

void check_channels(const char* what, const Tensor& t, const Shape& w) {
  TEMPER_CHECK(!t || t.shape == Shape{w[0]}, "conv2d: w is ", w, " so ", what, " must be (", w[0], "), got ", t.shape);
}

/// The CPU's libraries have nothing to choose ahead, so a pass that is only planned leaves them alone.
bool skips(Stream stream) { return planning(stream) && stream.device == Device::cpu; }

/// All convolutions: [relu](bn(conv(x, w) + bias) [+ residual]), with the fold bn or none.
struct Convolution {
  ConvShape g;
  Var x;
  Filter filter;  ///< its version is that of all that is folded together
  Var bias = {}, residual = {};
  std::optional<BatchNormFold> fold = {};
  Activation activation = Activation::none;
  Tensor y = {};

  ConvFilter conv_filter() const {
    return {.w = filter.value.value,
            .bias = bias.value,
            .fold = fold ? &*fold : nullptr,
            .version = filter.version,
            .half = filter.half};
  }

  /// What of `whole` may run inside the convolution. Not the ReLU where nothing is differentiated: libraries turn NaN
  /// into 0 there, and what comes out then is looked at, so it must show.
  static ConvForward inside(const Tape& tape, ConvForward whole) {
    const bool fuse = tape.engine().uses(Optimisation::conv_epilogue);
    if (!fuse) whole.residual = {};
    if (!fuse || tape.wrt() == Wrt::nothing) whole.relu = false;
    return whole;
  }

  /// `sums`: to be taken on the way where the library can; emptied where it cannot.
  Var run(Tape& tape, const char* name, BatchNormSums* sums = nullptr) {
    const Var& w = filter.value;
    check_channels("bias", bias.value, w.value.shape);
    y = tape.alloc({g.n, g.p(), g.q(), g.k}, x.value.dtype);
    const Tensor& r = residual.value;
    TEMPER_CHECK(!r || (r.shape == y.shape && r.dtype == y.dtype), name, ": the result is ", y.shape, " ", y.dtype,
                 " so residual must be too, got ", r.shape, " ", r.dtype);
    const ConvForward whole{.shape = g,
                            .x = x.value,
                            .filter = conv_filter(),
                            .y = y,
                            .residual = r,
                            .relu = activation == Activation::relu,
                            .sum = sums ? sums->sum : Tensor{},
                            .squares = sums ? sums->squares : Tensor{}};
    const ConvForward asked = inside(tape, whole);
    // What all libraries of the CPU do, for a pass that leaves them alone.
    ConvDone done{.residual = static_cast<bool>(asked.residual), .relu = asked.relu};
    {
      const KernelRange range(tape.stream(), name, {g.n, g.h, g.w, g.c, g.k, g.r, g.s, g.stride, g.pad});
      if (!skips(tape.stream())) done = tape.engine().conv().forward(tape.stream(), asked);
    }
    finish(tape.stream(), whole, done);
    if (sums && !done.statistics) *sums = {};
    const Var out =
        tape.record(name, y, {x, w, bias, residual}, [*this](Tape& tape, const Tensor& dy) { backward(tape, dy); });
    if (activation == Activation::relu) tape.offer_relu(out);
    return out;
  }

  void backward(Tape& tape, const Tensor& dy) const {
    const Var& w = filter.value;
    ConvBackend& conv = tape.engine().conv();
    if (activation == Activation::relu && !tape.relu_claimed()) {
      dispatch_float(dy.dtype, [&](auto tag) {
        using T = decltype(tag);
        relu_backward(tape.stream(), dy.numel(), y.as<T>(), dy.as<T>(), 0.f, dy.as<T>());
      });
    }
    if (bias.needs_grad()) {
      const GradSink s = tape.sink(bias);
      column_sum(tape, dy.reshaped({g.n * g.p() * g.q(), g.k}), s.beta, s.into);
    }
    if (w.needs_grad()) {
      const GradSink s = tape.sink(w);
      const KernelRange range(tape.stream(), "conv2d_backward_filter",
                              {g.n, g.h, g.w, g.c, g.k, g.r, g.s, g.stride, g.pad});
      if (!skips(tape.stream()))
        conv.backward_filter(tape.stream(), {.shape = g, .x = x.value, .dy = dy, .dw = s.into, .beta = s.beta});
    }
    if (x.needs_grad()) {
      const GradSink s = tape.sink(x);
      ConvBackwardData request{.shape = g, .dy = dy, .filter = conv_filter(), .dx = s.into, .beta = s.beta};
      // A residual that is x itself adds to the gradient afterwards.
      const char* name = "conv2d_backward_data";
      if (residual.slot != x.slot && tape.claim_relu(x)) {
        name = s.beta != 0 ? "conv2d_backward_data_add_relu" : "conv2d_backward_data_relu";
        request.mask = x.value;
        if (s.beta != 0) request.elsewhere = [&tape, this] { return tape.reallocate_grad(x); };
      }
      const KernelRange range(tape.stream(), name, {g.n, g.h, g.w, g.c, g.k, g.r, g.s, g.stride, g.pad});
      if (!skips(tape.stream())) convolve_backward_data(conv, tape.stream(), request);
    }
    // Last, because the residual may take dy's memory.
    if (residual.needs_grad() && !tape.move_grad(residual, dy)) accumulate_gradient(tape, residual, dy, 1.f);
  }
};

}  // namespace

Filter filter(Tape& tape, const ParamBuffer& values, int i) {
  return {tape.param(values, i), tape.engine().uses(Optimisation::prepared_filters) ? values.version() : 0,
          [&values, i](DType dtype) { return values.half_view(i, dtype); }};
}

Var conv2d(Tape& tape, const Var& x, const Filter& w, const Var& bias, ConvOptions options) {
  return Convolution{.g = conv_shape(x, w, options), .x = x, .filter = w, .bias = bias}.run(tape, "conv2d");
}

Var conv2d_act(Tape& tape, const Var& x, const Filter& w, const Var& bias, ConvOptions options, const Var& residual,
               Activation activation) {
  return Convolution{
      .g = conv_shape(x, w, options), .x = x, .filter = w, .bias = bias, .residual = residual, .activation = activation}
      .run(tape, "conv2d_act");
}

Var conv2d_batch_norm(Tape& tape, const Var& x, const Filter& w, ConvOptions options, const BatchNormVars& bn,
                      const BatchNormOptions& bn_options, const Var& residual, Activation activation) {
  const Shape& ws = w.value.value.shape;
  const bool trains = w.value.needs_grad() || bn.gamma.needs_grad() || bn.beta.needs_grad();
  const Engine& engine = tape.engine();
  if (bn_options.stats == BnStats::batch && engine.options().planning.statistics == BatchStatistics::fused &&
      engine.uses(Optimisation::fused_statistics)) {
    const DType dtype = bn.gamma.value.dtype;
    BatchNormSums sums{.sum = tape.alloc({ws[0]}, dtype), .squares = tape.alloc({ws[0]}, dtype)};
    const Var y = Convolution{.g = conv_shape(x, w, options), .x = x, .filter = w}.run(tape, "conv2d", &sums);
    return batch_norm(tape, y, bn, bn_options, residual, activation, sums);
  }
  if (bn_options.stats == BnStats::batch || trains || !engine.uses(Optimisation::fold_batch_norm))
    return batch_norm(tape, conv2d(tape, x, w, {}, options), bn, bn_options, residual, activation);
  for (const Tensor& t : {bn.gamma.value, bn.beta.value, bn.running_mean, bn.running_var})
    check_channels("the BatchNorm's arrays", t, ws);
  const BatchNormFold fold{.gamma = bn.gamma.value,
                           .beta = bn.beta.value,
                           .mean = bn.running_mean,
                           .variance = bn.running_var,
                           .eps = bn_options.eps};
  Filter folded = w;  // versions are numbered in order of writing, so the newest changes whenever any does
  folded.version = w.version == 0 || bn.version == 0 ? 0 : std::max(w.version, bn.version);
  return Convolution{.g = conv_shape(x, w, options),
                     .x = x,
                     .filter = folded,
                     .residual = residual,
                     .fold = fold,
                     .activation = activation}
      .run(tape, "conv2d_batch_norm");
}

}  // namespace temper
