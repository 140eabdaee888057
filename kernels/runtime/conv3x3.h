#pragma once
// 3x3 convolutions on the CPU: what their kernels (kernels/winograd, kernels/first_layer) have in common. A kernel is a
// table of functions, the same code compiled for one instruction set each (instruction_set.h).
#include <cstdint>

#include "kernels/runtime/dtype.h"
#include "kernels/runtime/stream.h"

namespace TEMPER_API temper {
namespace conv3x3 {

inline constexpr int kLanes = 16;  ///< channels are taken 16 at a time, whatever a vector register holds

/// y (n, p, q, k) = conv(x (n, h, w, c), 3x3 filters). The kernel says the stride: 1; 2 with padding 1; or 1/2, the
/// data gradient of stride 2, from dy (n, h, w, c) to dx (n, p, q, k), with `pad` 0.
struct ConvProblem {
  int64_t n, h, w, c, k, pad;
  int64_t p = h + 2 * pad - 2, q = w + 2 * pad - 2;
};

/// A filter w (filters, 3, 3, channels), each filter times its scale. `rotated`: the filter of the data gradient,
/// whose taps are rotated by 180 degrees and whose input channels are w's filters.
struct FilterSource {
  int64_t filters, channels;
  const float* w;
  const float* scale;  ///< (filters)
  bool rotated = false;
  TEMPER_HD int64_t inputs() const { return rotated ? filters : channels; }
  TEMPER_HD int64_t outputs() const { return rotated ? channels : filters; }
};

/// How Winograd's algorithm divides its work; other kernels ignore it. By tiles: a thread takes `block` tiles at a time
/// through all three steps. By channels, for filters too large for the caches: `together` tiles are transformed by all
/// threads; then a thread takes `block` of them and one of `ranges` ranges of the output channels, so that no two
/// threads read the same filters. Results do not depend on it.
struct Tiling {
  int64_t block = 1;
  int64_t together = 0, ranges = 1;  ///< together = 0: by tiles
};

/// y = max(0, (mask > 0) * (conv(x) + bias + add)), every part but the convolution optional. T: float or bfloat16;
/// arithmetic is in f32, rounded once to T.
template <class T>
struct ConvOperands {
  const T* x;
  const float* u;               ///< the transformed filter
  const float* bias = nullptr;  ///< (k)
  const T* add = nullptr;       ///< like y; may be y
  const T* mask = nullptr;      ///< like y
  bool relu = false;
  T* y;
  float* workspace;  ///< workspace_floats()
};

/// dw (k, 3, 3, c) = [dw +] the gradient of the filter, from x and dy as x and y of the problem; c and k are multiples
/// of kLanes.
template <class T>
struct FilterGradientOperands {
  const T *x, *dy;
  float* dw;
  bool accumulate = false;
  float* workspace;  ///< filter_gradient_floats()
};

/// The functions of one kernel for activations of type T. Loops are shared by the threads of the stream's team; the
/// bits do not depend on their number.
template <class T>
struct ConvKernel {
  /// Floats of a transformed filter. It is transformed unit by unit, in any order or at the same time.
  int64_t (*filter_floats)(int64_t inputs, int64_t outputs);
  int64_t (*filter_units)(int64_t inputs, int64_t outputs);
  void (*transform_filter)(const FilterSource&, int64_t unit, float* u);

  int64_t (*workspace_floats)(const ConvProblem&, const Tiling&, int threads);
  void (*run)(Stream, const ConvProblem&, const Tiling&, const ConvOperands<T>&);

  int64_t (*filter_gradient_floats)(const ConvProblem&, int threads) = nullptr;  ///< null: there is no filter gradient
  void (*filter_gradient)(Stream, const ConvProblem&, const FilterGradientOperands<T>&) = nullptr;
};

/// One way to compute a convolution, for both types of activations.
struct ConvAlgorithm {
  int64_t tile;  ///< edge of the squares of outputs that are computed together
  ConvKernel<float> f32;
  ConvKernel<bfloat16> bf16;

  template <class T>
  const ConvKernel<T>& of() const {
    if constexpr (sizeof(T) == sizeof(float))
      return f32;
    else
      return bf16;
  }
};

}  // namespace conv3x3
}  // namespace temper
