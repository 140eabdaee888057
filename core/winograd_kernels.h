#pragma once
// What winograd.cpp chooses from: the same code compiled for one instruction set each. Includes nothing that holds
// code, so that no function compiled for AVX-512 can stand in for another file's.
#include <cstdint>
#include <utility>  // integer_sequence

namespace temper::winograd {

/// y (n, h + 2 pad - 2, w + 2 pad - 2, k) = conv(x (n, h, w, c), 3x3 filters), stride 1; c a multiple of kLanes.
struct Problem {
  int64_t n, h, w, c, k, pad;
};

inline constexpr int kOut = 4, kIn = 6, kPoints = kIn * kIn;  ///< F(4x4, 3x3): a tile's edge, its input's, products
inline constexpr int kLanes = 16;                             ///< channels are taken 16 at a time

/// A batch cut into pieces: `rows` tiles at a time pass through transform, products and transform back.
struct Blocking {
  int64_t rows, count;
};

template <class T>
struct Operands {
  const T* x;
  const float* u;     ///< what transform_filter wrote
  const float* bias;  ///< (k) or null
  const T* add;       ///< like y or null; may be y
  T* y;
  float* workspace;       ///< of all threads
  int64_t thread_floats;  ///< of one thread: at least workspace_floats(), a multiple of 16
};

/// bf16 as its bits.
using Half = uint16_t;

struct Kernels {
  int64_t rows;  ///< tiles that are multiplied by a filter at once: a block of as many reads the filter once
  /// u <- the transform of w (filters, 3, 3, channels) times scale (filters). Turned: of the filters of the data
  /// gradient, whose taps are reversed and whose inputs are w's filters.
  void (*transform_filter)(int64_t filters, int64_t channels, const float* w, const float* scale, bool turned,
                           float* u);
  int64_t (*workspace_floats)(const Problem&, const Blocking&);
  void (*run_float)(const Problem&, const Blocking&, const Operands<float>&, bool relu);
  void (*run_half)(const Problem&, const Blocking&, const Operands<Half>&, bool relu);
};

extern const Kernels kAvx512, kAvx2;

}  // namespace temper::winograd
