#pragma once
#include <cstdint>

#include "kernels/runtime/hd.h"

namespace temper {

/// A pixel of an (n, h, w) grid by its number.
struct Pixel {
  int64_t n;
  int h, w;
  TEMPER_HD Pixel(int64_t index, int64_t height, int64_t width)
      : n(index / (height * width)), h(int(index / width % height)), w(int(index % width)) {}
};

}  // namespace temper
