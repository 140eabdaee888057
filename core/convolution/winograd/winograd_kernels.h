#pragma once
// What conv_winograd.cpp chooses from: the same code compiled for one instruction set each. Includes nothing that holds
// code, so that no function compiled for AVX-512 can stand in for another file's.
#include <cstdint>
#include <utility>  // integer_sequence

#include "kernels/runtime/items.h"

namespace temper::winograd {

/// y (n, p, q, k) = conv(x (n, h, w, c), 3x3 filters), c a multiple of kLanes, with the stride of the scheme: 1; 2 with
/// padding 1; or 1/2, the data gradient of 2, from dy (n, h, w, c) to dx (n, p, q, k), whose `pad` is 0.
struct Problem {
  int64_t n, h, w, c, k, pad;
  int64_t p = h + 2 * pad - 2, q = w + 2 * pad - 2;
};

inline constexpr int kTaps = 6, kFilterPoints = kTaps * kTaps;  ///< what three taps, 3x3 taps are transformed to
inline constexpr int kLanes = 16;                               ///< channels are taken 16 at a time
inline constexpr int kFirstChannels = 3;                        ///< the most that a first layer has

/// How the work is cut. By tiles: a thread takes `rows` tiles at a time through all three steps. By channels, for
/// filters too large for the caches: the tiles are transformed together, `together` at a time; then a thread takes
/// `rows` of them and one of `parts` of the output channels, so that no two threads read the same filters.
struct Cut {
  int64_t rows;
  int64_t together = 0, parts = 1;  ///< together = 0: by tiles
};

template <class T>
struct Operands {
  const T* x;
  const float* u;     ///< what transform_filter wrote
  const float* bias;  ///< (k) or null
  const T* add;       ///< like y or null; may be y
  const T* mask;      ///< like y or null: y is 0 where it is not above 0
  T* y;
  float* workspace;  ///< workspace_floats()
  Team* team;        ///< or null
};

template <class T>
struct GradientOperands {
  const T *x, *dy;  ///< as x and y above, c and k multiples of kLanes
  float* dw;        ///< (k, 3, 3, c)
  float* workspace;
  Team* team;
};

/// bf16 as its bits.
using Half = uint16_t;

/// A filter (filters, 3, 3, channels), each one times its scale. Turned: the filters of the data gradient, whose taps
/// are reversed and whose inputs are w's filters.
struct FilterSource {
  int64_t filters, channels;
  const float* w;
  const float* scale;  ///< (filters)
  bool turned;
  int64_t inputs() const { return turned ? filters : channels; }
  int64_t outputs() const { return turned ? channels : filters; }
};

/// A convolution of activations of type T.
template <class T>
struct Steps {
  int64_t (*filter_floats)(int64_t inputs, int64_t outputs);
  /// A filter is transformed unit by unit, in any order.
  int64_t (*filter_units)(int64_t inputs, int64_t outputs);
  void (*transform_filter)(const FilterSource&, int64_t unit, float* u);
  int64_t (*workspace_floats)(const Problem&, const Cut&, int threads);
  void (*run)(const Problem&, const Cut&, const Operands<T>&, bool relu);
};

/// A filter gradient: the floats of its workspace, and dw [+]= it.
struct Gradient {
  int64_t (*workspace_floats)(const Problem&, int threads) = nullptr;
  void (*floats)(const Problem&, const GradientOperands<float>&, bool add) = nullptr;
  void (*halves)(const Problem&, const GradientOperands<Half>&, bool add) = nullptr;
};

/// A way to take a convolution tile by tile: winograd_schemes.h.
struct Scheme {
  int64_t out;  ///< a tile's edge in y
  Steps<float> floats;
  Steps<Half> halves;
  Gradient gradient = {};  ///< or none
};

struct Kernels {
  /// Tiles that are multiplied by a filter at once, of more outputs than kLanes or of at most as many: a block of as
  /// many reads the filter once.
  int64_t rows, rows_of_unit;
  Scheme stride1, stride2, stride2_data;
  Scheme first, first_data;  ///< without Winograd's algorithm: first_layer.h
};

/// kVnni takes the products of bf16 activations in 16-bit integers: winograd_integer.h.
extern const Kernels kVnni, kAvx512, kAvx2;

}  // namespace temper::winograd
