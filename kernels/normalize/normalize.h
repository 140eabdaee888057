#pragma once
#include <cstdint>

#include "kernels/runtime/dtype.h"
#include "kernels/runtime/stream.h"

namespace TEMPER_API temper {

struct ChannelStats {
  static constexpr int kMaxChannels = 8;
  double mean[kMaxChannels];
  double std[kMaxChannels];
};

/// y = (x - mean[c]) / std[c] in T, x (pixels, channels) in compute_t<T>; channels <= ChannelStats::kMaxChannels.
template <class T>
void normalize_forward(Stream stream, int64_t pixels, int channels, T* y, const compute_t<T>* x,
                       const ChannelStats& stats);

/// dx = sink * dx + dy / std[c], dx in compute_t<T>. With sink = 0 the old dx is not read.
template <class T>
void normalize_backward(Stream stream, int64_t pixels, int channels, float sink, compute_t<T>* dx, const T* dy,
                        const ChannelStats& stats);

}  // namespace temper
