#pragma once
#include <cstdint>

#include "kernels/runtime/stream.h"

namespace TEMPER_API temper {

/// gate = 1 where all n values are finite, else 0. f32 and f64; one thread, for a handful of values.
template <class T>
void finite_gate(Stream stream, int n, const T* values, uint32_t* gate);

}  // namespace temper
