#pragma once
// The rows of an image that a thread needs at a time, as floats with zeros around them. Templates over a vector type
// (instruction_set.h).
#include "kernels/runtime/ceil_div.h"
#include "kernels/runtime/conv3x3.h"
#include "kernels/runtime/team.h"

namespace temper::first_layer {

using conv3x3::ConvOperands;
using conv3x3::ConvProblem;
using conv3x3::kLanes;

/// Neighbouring results that are computed together, rows by columns: as many as fit into registers.
template <class Vec>
struct Patch {
  static constexpr int kRows = Vec::kUnits, kCols = Vec::kUnits == 1 ? 4 : 8;
};

/// The rows that a patch needs, in planes of `lanes` channels, each with a pixel of zeros on the left and enough of
/// them on the right, and a row of zeros.
template <class Vec>
struct HeldRows {
  int64_t w, h, channels, lanes, plane;
  /// An image keeps its layout; the gradient of a layer's output is split into vectors of channels.
  explicit HeldRows(const ConvProblem& g)
      : w(g.w),
        h(g.h),
        channels(g.c),
        lanes(g.c < kLanes ? g.c : kLanes),
        plane((ceil_div(g.w, kLanes) * kLanes + 2) * lanes) {}

  static constexpr int64_t kHeld = Patch<Vec>::kRows + 2;
  int64_t row_floats() const { return channels / lanes * plane; }
  int64_t floats() const { return ceil_div((kHeld + 1) * row_floats(), kLanes) * kLanes; }
  /// Writes zeros everywhere that take() does not write.
  float* zero_fill(float* held) const {
    float* const zeros = held + kHeld * row_floats();
    for (float* at = held; at < zeros; at += plane) {
      for (int64_t i = 0; i < lanes; ++i) at[i] = 0;
      for (int64_t i = (w + 1) * lanes; i < plane; ++i) at[i] = 0;
    }
    for (int64_t i = 0; i < row_floats(); ++i) zeros[i] = 0;
    return held;
  }
  /// The start of `row`, at the padding on its left.
  float* at(float* held, int64_t row) const {
    return held + (row < 0 || row >= h ? kHeld : row % kHeld) * row_floats();
  }
  /// Copies a row of the image.
  template <class T>
  void take(float* held, const T* image, int64_t row) const {
    const T* from = image + row * w * channels;
    float* to = at(held, row) + lanes;
    const int64_t pixels = w, stride = channels;
    if (lanes < kLanes) {
      for (int64_t i = 0; i < pixels * stride; ++i) to[i] = static_cast<float>(from[i]);
      return;
    }
    for (const T* const end = from + stride; from < end; from += kLanes, to += plane)
      for (int64_t col = 0; col < pixels; ++col) store(to + col * kLanes, Vec::load(from + col * stride));
  }
};

/// Rows that a thread computes at a time, a multiple of a patch's.
constexpr int64_t kBand = 16;

/// f(image, row, x, last) for all rows that are multiples of a patch's, where x are the rows from row - 1 on and `last`
/// is the end of the rows that f may write.
template <class Vec, class T, class F>
void each_row(Team* team, const ConvProblem& g, const ConvOperands<T>& o, F f) {
  using Rows = HeldRows<Vec>;
  const Rows rows(g);
  const int64_t bands = ceil_div(g.h, kBand);
  each_item(team, g.n * bands, [&](int64_t item, int thread) {
    float* const held = rows.zero_fill(o.workspace + thread * rows.floats());
    const int64_t image = item / bands, first = item % bands * kBand;
    const int64_t last = first + kBand < g.h ? first + kBand : g.h;
    int64_t next = first > 0 ? first - 1 : 0;
    for (int64_t row = first; row < last; row += Patch<Vec>::kRows) {
      for (; next < g.h && next <= row + Patch<Vec>::kRows; ++next)
        rows.take(held, o.x + image * g.h * g.w * g.c, next);
      const float* x[Rows::kHeld];
      for (int i = 0; i < Rows::kHeld; ++i) x[i] = rows.at(held, row - 1 + i);
      f(image, row, x, last);
    }
  });
}

}  // namespace temper::first_layer
