#pragma once
#include <cstdint>

#include "kernels/runtime/stream.h"

namespace TEMPER_API temper {

/// What an attack keeps of each of n rows that it may stop one by one.
struct RowProgress {
  int32_t* active;   ///< 1 while a row moves
  int32_t* wrong;    ///< evaluations of a run that found the row misclassified
  int32_t* steps;    ///< steps made
  int32_t* queries;  ///< evaluations that a moving row needed
};

/// When a row stops: before step number `step` of a run (from 0), if it was found misclassified more than `patience`
/// times, or has made its steps. null success: nothing is ever misclassified; null row_steps: `steps` for every row.
template <class T>
struct RowLimits {
  int step, steps, patience;
  const T* success;
  const int32_t* row_steps;
};

/// After the evaluation before step number `step`, for each row:
///   where step is 0: active = 1, wrong = 0;  queries += active;  wrong += active && success != 0;
///   active = active && wrong <= patience && step < min(steps, row_steps);  steps += active
/// f32 and f64.
template <class T>
void advance_rows(Stream stream, int64_t n, const RowProgress& rows, const RowLimits<T>& limits);

/// y_r += value: what is counted of rows that all do the same.
void add_to_rows(Stream stream, int64_t n, int32_t* y, int32_t value);

}  // namespace temper
