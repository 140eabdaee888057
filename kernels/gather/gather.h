#pragma once
#include <cstdint>

#include "kernels/runtime/scalar_arg.h"
#include "kernels/runtime/stream.h"

namespace TEMPER_API temper {

/// y[i] = table[ids[i]]: n elements. ids are trusted to lie in the table.
void gather(Stream stream, int64_t n, const int32_t* table, const int32_t* ids, int32_t* y);

/// y[i] = table[first + i]: n elements in a row.
void take(Stream stream, int64_t n, const int32_t* table, ScalarArg<int64_t> first, int32_t* y);

}  // namespace temper
