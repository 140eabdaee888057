#pragma once
#include <cstdint>

#include "kernels/runtime/stream.h"

namespace TEMPER_API temper {

/// The findings of an attack for a sample: bits of its note.
enum GradientNote : int32_t {
  kZeroGradient = 1,  ///< a step whose gradient is zero in every element, so that the step does not move
  kNotFinite = 2,     ///< a step whose value or gradient is NaN or infinite
};

/// Adds the findings of a step to the note of each row, from its gradient (rows, cols) and values (rows). Moves the
/// gradient once. f32 and f64.
template <class T>
void note_gradients(Stream stream, int64_t rows, int cols, int32_t* notes, const T* gradient, const T* values);

/// Adds to a tally of three: the rows, those with kZeroGradient, those with kNotFinite. Several may add at a time;
/// whole numbers, so in any order.
void tally_notes(Stream stream, int64_t rows, int32_t* tally, const int32_t* notes);

/// Reads and resets a tally: sums = {rows, rows with kZeroGradient, 0 or, if a row has kNotFinite, infinity}. f32 and
/// f64.
template <class T>
void drain_tally(Stream stream, T* sums, int32_t* tally);

}  // namespace temper
