#include "core/ops/image.h"

#include <algorithm>

#include "core/ops/elementwise.h"
#include "kernels/normalize/normalize.h"
#include "kernels/pad_image/pad_image.h"

namespace temper {

Var normalize(Tape& tape, const Var& x, const std::vector<double>& mean, const std::vector<double>& std) {
  const Tensor& v = x.value;
  const DType compute = tape.engine().compute();
  if (mean.empty() && std.empty()) return convert(tape, x, compute);
  const int64_t channels = v.shape.rank() == 4 ? v.shape[3] : 0;
  TEMPER_CHECK(channels > 0 && channels <= ChannelStats::kMaxChannels,
               "normalize: expected images (N, H, W, C) with 1 to ", ChannelStats::kMaxChannels, " channels, got ",
               v.shape);
  TEMPER_CHECK(static_cast<int64_t>(mean.size()) == channels && static_cast<int64_t>(std.size()) == channels,
               "normalize: x is ", v.shape, " so mean and std must have ", channels, " values each, got ", mean.size(),
               " and ", std.size());
  ChannelStats stats{};
  for (int c = 0; c < channels; ++c) {
    TEMPER_CHECK(std[c] > 0, "normalize: expected every std above 0, got ", std[c], " for channel ", c);
    stats.mean[c] = mean[c];
    stats.std[c] = std[c];
  }
  const DType image = compute == DType::f64 ? DType::f64 : DType::f32;
  TEMPER_CHECK(v.dtype == image, "normalize: the engine computes in ", compute, " so images must be ", image, ", got ",
               v.dtype);
  const Tensor y = tape.alloc(v.shape, compute);
  const int64_t pixels = v.numel() / channels;
  const int c = static_cast<int>(channels);
  dispatch_float(compute, [&](auto tag) {
    using T = decltype(tag);
    normalize_forward<T>(tape.stream(), pixels, c, y.as<T>(), x.value.as<compute_t<T>>(), stats);
  });
  return tape.record("normalize", y, {x}, [=](Tape& tape, const Tensor& dy) {
    const GradSink s = tape.sink(x);
    dispatch_float(dy.dtype, [&](auto tag) {
      using T = decltype(tag);
      normalize_backward<T>(tape.stream(), pixels, c, s.beta, s.into.as<compute_t<T>>(), dy.as<T>(), stats);
    });
  });
}

Var pad_far(Tape& tape, const Var& x, int below, int right) {
  const Shape& xs = x.value.shape;
  TEMPER_CHECK(xs.rank() == 4 && below >= 0 && right >= 0,
               "pad_far: expected x (N, H, W, C) and padding of 0 or more, got ", xs, ", ", below, " and ", right);
  const PadImage p{.n = xs[0],
                   .h = static_cast<int>(xs[1]),
                   .w = static_cast<int>(xs[2]),
                   .c = static_cast<int>(xs[3]),
                   .below = below,
                   .right = right};
  const Tensor y = tape.alloc({xs[0], xs[1] + below, xs[2] + right, xs[3]}, x.value.dtype);
  dispatch_float(y.dtype, [&](auto tag) {
    using T = decltype(tag);
    pad_image_forward(tape.stream(), p, y.as<T>(), x.value.as<T>());
  });
  return tape.record("pad_far", y, {x}, [=](Tape& tape, const Tensor& dy) {
    const GradSink s = tape.sink(x);
    dispatch_float(dy.dtype, [&](auto tag) {
      using T = decltype(tag);
      pad_image_backward(tape.stream(), p, s.beta, s.into.as<T>(), dy.as<T>());
    });
  });
}

}  // namespace temper
