#pragma once
#include <cstdint>

#include "kernels/runtime/philox.h"
#include "kernels/runtime/stream.h"

namespace TEMPER_API temper {

/// y_r ~ softmax(x_r) for each row of (rows, cols): the c of the largest x_rc - log(-log(u_rc)), with u_rc the uniform
/// number of element c of sample ids_r (Gumbel 1954). -1 if an element is not finite. f32 and f64.
template <class T>
void categorical(Stream stream, int64_t rows, int cols, int32_t* y, const T* x, const int32_t* ids, const RngKey& key);

}  // namespace temper
