#pragma once
#include <cstdint>

#include "kernels/runtime/stream.h"

namespace TEMPER_API temper {

/// x (n, h, w, c), filter (k, r, s, c), y (n, p, q, k): a cross-correlation.
struct PlainConvShape {
  int64_t n = 0, h = 0, w = 0, c = 0, k = 0, r = 0, s = 0;
  int64_t stride = 1, pad = 0;

  int64_t p() const { return (h + 2 * pad - r) / stride + 1; }
  int64_t q() const { return (w + 2 * pad - s) / stride + 1; }
};

/// Single elements of a convolution, as plainly as can be: to check others by. sum[i] is element at[i] of
/// - forward: y, from x and the filter,
/// - data:    dx, from dy and the filter,
/// - filter:  dw, from x and dy.
/// Products are exact, summed in f64 in an order that the shape fixes, and rounded once. count elements; at is trusted.
template <class T>
void plain_conv_forward(Stream stream, const PlainConvShape& g, int64_t count, float* sum, const int64_t* at,
                        const T* x, const T* filter);
template <class T>
void plain_conv_data(Stream stream, const PlainConvShape& g, int64_t count, float* sum, const int64_t* at, const T* dy,
                     const T* filter);
template <class T>
void plain_conv_filter(Stream stream, const PlainConvShape& g, int64_t count, float* sum, const int64_t* at, const T* x,
                       const T* dy);

/// How many products an element of each is the sum of, at most.
int64_t plain_conv_forward_products(const PlainConvShape& g);
int64_t plain_conv_data_products(const PlainConvShape& g);
int64_t plain_conv_filter_products(const PlainConvShape& g);

/// y[i] = x[at[i]], in f32.
template <class T>
void pick(Stream stream, int64_t count, float* y, const int64_t* at, const T* x);

}  // namespace temper
