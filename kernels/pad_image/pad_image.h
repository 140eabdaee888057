#pragma once
#include <cstdint>

#include "kernels/runtime/stream.h"

namespace TEMPER_API temper {

/// Images (n, h, w, c), and how many rows of zeros follow below them and columns to their right.
struct PadImage {
  int64_t n = 0;
  int h = 0, w = 0, c = 0;
  int below = 0, right = 0;
};

/// y (n, h + below, w + right, c) = x (n, h, w, c), zeros around it. Moves both.
template <class T>
void pad_image_forward(Stream stream, const PadImage& p, T* y, const T* x);
/// dx = beta * dx + the part of dy that x fills; beta 0 or 1. With beta = 0 the old dx is not read.
template <class T>
void pad_image_backward(Stream stream, const PadImage& p, float beta, T* dx, const T* dy);

}  // namespace temper
