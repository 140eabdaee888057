#include "core/ops/image.h"

#include <algorithm>

#include "core/ops/elementwise.h"
#include "kernels/normalize/normalize.h"

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

}  // namespace temper
