#pragma once
#include <cstdint>

#include "kernels/runtime/stream.h"

namespace TEMPER_API temper {

/// What an attack has met of a sample: bits of its note.
enum GradientNote : int32_t {
  kZeroGradient = 1,  ///< a step whose gradient is zero in every element: nothing says where to go
  kNotFinite = 2,     ///< a step whose value or gradient is NaN or infinite
};

/// Adds to the note of each row what the step's gradient (rows, cols) and values (rows) say of it. Moves the gradient
/// once. f32 and f64.
template <class T>
void note_gradients(Stream stream, int64_t rows, int cols, int32_t* notes, const T* gradient, const T* values);

/// Adds to a tally of three: the rows, those with kZeroGradient, those with kNotFinite. Several may add at a time;
/// whole numbers, so in any order.
void tally_notes(Stream stream, int64_t rows, int32_t* tally, const int32_t* notes);

/// Takes a tally out: sums = {rows, rows with kZeroGradient, 0 or, where a row has kNotFinite, infinity}; the tally
/// begins anew. f32 and f64.
template <class T>
void drain_tally(Stream stream, T* sums, int32_t* tally);

}  // namespace temper
