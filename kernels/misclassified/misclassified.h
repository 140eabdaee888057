#pragma once
#include <cstdint>

#include "kernels/runtime/stream.h"

namespace TEMPER_API temper {

/// y_i = 1 where predicted_i differs from label_i, else 0, for n predictions as argmax() gives them: a -1 (not finite)
/// is 0.
template <class T>
void misclassified(Stream stream, int64_t n, T* y, const int32_t* predicted, const int32_t* labels);

/// y_i = 1 where predicted_i is target_i, else 0.
template <class T>
void taken_for(Stream stream, int64_t n, T* y, const int32_t* predicted, const int32_t* targets);

}  // namespace temper
