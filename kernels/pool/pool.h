#pragma once
#include <cstdint>

#include "kernels/runtime/dtype.h"
#include "kernels/runtime/stream.h"

namespace TEMPER_API temper {

// Pooling and other moves of pixels; images are (n, h, w, c), dense. Gradients go to dx = sink * dx + gradient and are
// gathered, not scattered: deterministic without atomics. With sink = 0 the old dx is not read.

struct PoolShape {
  int64_t n, h, w;
  int c;
  int size = 2, stride = 2, pad = 0;  ///< pad <= size / 2: every window sees a pixel
  int64_t p() const { return (h + 2 * pad - size) / stride + 1; }
  int64_t q() const { return (w + 2 * pad - size) / stride + 1; }
};

/// y (n, p, q, c) = maximum over size x size windows, padding left out; argmax (n, p, q, c) its place in the window,
/// row by row, the first one of equals. size <= 15. NaN wins.
template <class T>
void max_pool_forward(Stream stream, const PoolShape& g, T* y, uint8_t* argmax, const T* x);
template <class T>
void max_pool_backward(Stream stream, const PoolShape& g, float sink, T* dx, const T* dy, const uint8_t* argmax);

/// y (n, p, q, c) = sum over size x size windows / size^2, padding counting as zeros.
template <class T>
void avg_pool_forward(Stream stream, const PoolShape& g, T* y, const T* x);
template <class T>
void avg_pool_backward(Stream stream, const PoolShape& g, float sink, T* dx, const T* dy);

/// y (n, c) = mean over `pixels` of x (n, pixels, c); y in compute_t<T>. Going back, dx becomes 0 where `mask`, like dx
/// or null, is not above 0: the gradient of the ReLU whose output the mask is.
template <class T>
void global_avg_pool_forward(Stream stream, int64_t n, int64_t pixels, int c, compute_t<T>* y, const T* x);
template <class T>
void global_avg_pool_backward(Stream stream, int64_t n, int64_t pixels, int c, float sink, T* dx,
                              const compute_t<T>* dy, const T* mask = nullptr);

/// y (n, b, a) = x (n, a, b) transposed per sample, y = sink * y + x. Pixels and channels swapped; its own gradient.
template <class T>
void transpose(Stream stream, int64_t n, int64_t a, int64_t b, float sink, T* y, const T* x);

/// Every stride-th pixel, with zeros for new channels: y (n, p, q, wide), x's channels from `front` on.
struct ShortcutShape {
  int64_t n, h, w;
  int c, stride, wide, front;
  int64_t p() const { return (h + stride - 1) / stride; }
  int64_t q() const { return (w + stride - 1) / stride; }
};
template <class T>
void shortcut_pad_forward(Stream stream, const ShortcutShape& g, T* y, const T* x);
template <class T>
void shortcut_pad_backward(Stream stream, const ShortcutShape& g, float sink, T* dx, const T* dy);

}  // namespace temper
