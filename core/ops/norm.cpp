#include "core/ops/norm.h"

#include "core/ops/elementwise.h"
#include "kernels/axpby/axpby.h"
#include "kernels/batch_norm/batch_norm.h"
#include "kernels/relu/relu.h"

namespace temper {

namespace {

/// What the gradient needs beyond the operands.
struct Forward {
  int64_t rows;
  int channels;
  BnStats stats;
  Activation activation;
  Tensor y, mean, invstd;
};

void check(const Var& x, const BatchNormVars& bn, const BatchNormOptions& options, const Var& residual) {
  const Shape& xs = x.value.shape;
  TEMPER_CHECK(xs.rank() >= 2 && xs[-1] > 0 && x.value.numel() > 0,
               "batch_norm: expected x (N, H, W, C) or (N, C) with at least one element, got ", xs);
  const auto per_channel = [&](const char* what, const Tensor& t) {
    const DType want = x.value.dtype == DType::f64 ? DType::f64 : DType::f32;
    TEMPER_CHECK(t.shape == Shape{xs[-1]} && t.dtype == want, "batch_norm: x is ", xs, " ", x.value.dtype, " so ", what,
                 " must be (", xs[-1], ") ", want, ", got ", t.shape, " ", t.dtype);
  };
  per_channel("gamma", bn.gamma.value);
  per_channel("beta", bn.beta.value);
  per_channel("running_mean", bn.running_mean);
  per_channel("running_var", bn.running_var);
  TEMPER_CHECK(options.stats == BnStats::running || x.value.numel() > xs[-1],
               "batch_norm: batch statistics need more than one value per channel, got x ", xs,
               "; use a larger batch or running statistics");
  TEMPER_CHECK(!residual.value || (residual.value.shape == xs && residual.value.dtype == x.value.dtype),
               "batch_norm: x is ", xs, " ", x.value.dtype, " so the residual must be the same, got ",
               residual.value.shape, " ", residual.value.dtype);
}

template <class T, class S>
void forward(Tape& tape, const Forward& f, const Tensor& x, const BatchNormVars& bn, const BatchNormOptions& options,
             const Tensor& residual, const BatchNormSums& sums) {
  const Stream stream = tape.stream();
  BatchNormRunning<S> running{.momentum = options.momentum};
  if (options.update == BnUpdate::yes) {
    running.mean = bn.running_mean.as<S>();
    running.var = bn.running_var.as<S>();
  }
  if (f.stats == BnStats::batch && sums.sum) {
    batch_norm_statistics_of<S>(stream, f.rows, f.channels, f.mean.as<S>(), f.invstd.as<S>(), sums.sum.as<S>(),
                                sums.squares.as<S>(), options.eps, running);
  } else if (f.stats == BnStats::batch) {
    const Arena::Scope scope(tape.engine().arena());
    const Tensor workspace = tape.alloc({batch_norm_workspace(f.rows, f.channels)}, f.mean.dtype);
    batch_norm_statistics<T, S>(stream, f.rows, f.channels, f.mean.as<S>(), f.invstd.as<S>(), workspace.as<S>(),
                                x.as<T>(), options.eps, running);
  } else {
    batch_norm_invstd<S>(stream, f.channels, f.invstd.as<S>(), bn.running_var.as<S>(), options.eps);
  }
  batch_norm_apply<T, S>(stream, f.rows, f.channels, f.y.as<T>(), x.as<T>(), residual.as<T>(),
                         {f.mean.as<S>(), f.invstd.as<S>(), bn.gamma.value.as<S>(), bn.beta.value.as<S>()},
                         f.activation == Activation::relu ? BatchNormRelu::yes : BatchNormRelu::no);
}

/// Where a parameter's gradient is computed: in its sink if that is still empty, beside it otherwise.
template <class S>
class ParamGrad {
 public:
  ParamGrad(Tape& tape, const Var& v, GradSink sink) : tape_(tape), sink_(sink) {
    const bool direct = sink.into && sink.beta == 0;
    value_ = direct ? sink.into : tape.alloc(v.value.shape, v.value.dtype);
  }
  S* data() const { return value_.as<S>(); }
  void deliver() const {
    if (sink_.into && sink_.into.data != value_.data)
      axpby<S>(tape_.stream(), value_.numel(), 1.f, data(), sink_.beta, sink_.into.as<S>());
  }

 private:
  Tape& tape_;
  GradSink sink_;
  Tensor value_;
};

/// The sink of v, if it takes a gradient; `dy` itself where v can have it.
GradSink sink_of(Tape& tape, const Var& v, const Tensor& dy) {
  if (!v.needs_grad()) return {};
  return tape.move_grad(v, dy) ? GradSink{dy, 0.f} : tape.sink(v);
}
GradSink sink_of(Tape& tape, const Var& v) { return v.needs_grad() ? tape.sink(v) : GradSink{}; }

template <class T, class S>
void backward(Tape& tape, const Forward& f, const Var& x, const BatchNormVars& bn, const Var& residual,
              const Tensor dy) {
  const Stream stream = tape.stream();
  const bool params = bn.gamma.needs_grad() || bn.beta.needs_grad(), batch = f.stats == BnStats::batch;
  const BatchNormAffine<S> affine{f.mean.as<S>(), f.invstd.as<S>(), bn.gamma.value.as<S>(), bn.beta.value.as<S>()};

  // dy's memory becomes the residual's gradient, or x's; of one variable that is both, x's part is added to it.
  const GradSink dresidual = sink_of(tape, residual, dy);
  const GradSink dx = dresidual.into.data == dy.data ? sink_of(tape, x) : sink_of(tape, x, dy);
  const GradSink gamma_sink = sink_of(tape, bn.gamma), beta_sink = sink_of(tape, bn.beta);

  const Arena::Scope scope(tape.engine().arena());
  const ParamGrad<S> dgamma(tape, bn.gamma, gamma_sink), dbeta(tape, bn.beta, beta_sink);
  BatchNormMask mask = BatchNormMask::none;  // what still has to be applied to dy
  if (f.activation == Activation::relu) mask = residual.value ? BatchNormMask::from_y : BatchNormMask::from_x;
  if (params || (batch && x.needs_grad())) {
    const Tensor workspace = tape.alloc({batch_norm_workspace(f.rows, f.channels)}, f.mean.dtype);
    batch_norm_backward_sums<T, S>(stream, f.rows, f.channels, dgamma.data(), dbeta.data(), workspace.as<S>(),
                                   dy.as<T>(), x.value.as<T>(), f.y.as<T>(), affine, mask);
    dgamma.deliver();
    dbeta.deliver();
    if (mask == BatchNormMask::from_y) mask = BatchNormMask::none;
  } else if (dresidual.into && mask == BatchNormMask::from_y) {
    relu_backward<T>(stream, dy.numel(), f.y.as<T>(), dy.as<T>(), 0.f, dy.as<T>());
    mask = BatchNormMask::none;
  }
  if (dresidual.into && dresidual.into.data != dy.data)
    axpby<T>(stream, dy.numel(), 1.f, dy.as<T>(), dresidual.beta, dresidual.into.as<T>());
  if (!dx.into) return;
  if (batch)
    batch_norm_backward_batch<T, S>(stream, f.rows, f.channels, dx.beta, dx.into.as<T>(), dy.as<T>(), x.value.as<T>(),
                                    dgamma.data(), dbeta.data(), affine, mask);
  else
    batch_norm_backward_running<T, S>(stream, f.rows, f.channels, dx.beta, dx.into.as<T>(), dy.as<T>(),
                                      mask == BatchNormMask::none ? nullptr : f.y.as<T>(), affine.invstd, affine.gamma);
}

}  // namespace

Var batch_norm(Tape& tape, const Var& x, const BatchNormVars& bn, const BatchNormOptions& options, const Var& residual,
               Activation activation, const BatchNormSums& sums) {
  check(x, bn, options, residual);
  if (!tape.engine().uses(Optimisation::fused_batch_norm) && (residual.value || activation == Activation::relu)) {
    Var y = batch_norm(tape, x, bn, options, {}, Activation::none, sums);
    if (residual.value) y = add(tape, y, residual);
    return activation == Activation::relu ? relu(tape, y) : y;
  }
  const Tensor& v = x.value;
  const int channels = static_cast<int>(v.shape[-1]);
  Forward f{.rows = v.numel() / channels, .channels = channels, .stats = options.stats, .activation = activation};
  f.y = tape.alloc(v.shape, v.dtype);
  f.invstd = tape.alloc({channels}, bn.gamma.value.dtype);
  f.mean = f.stats == BnStats::batch ? tape.alloc({channels}, bn.gamma.value.dtype) : bn.running_mean;
  dispatch_float(v.dtype, [&](auto tag) {
    using T = decltype(tag);
    forward<T, compute_t<T>>(tape, f, v, bn, options, residual.value, sums);
  });
  return tape.record("batch_norm", f.y, {x, bn.gamma, bn.beta, residual}, [=](Tape& tape, const Tensor& dy) {
    dispatch_float(dy.dtype, [&](auto tag) {
      using T = decltype(tag);
      backward<T, compute_t<T>>(tape, f, x, bn, residual, dy);
    });
  });
}

}  // namespace temper
