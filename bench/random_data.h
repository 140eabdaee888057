#pragma once
#include <cstdint>
#include <vector>

#include "core/tensor.h"

namespace temper::bench {

/// The default range of random data. Zeros would need less power and therefore run faster.
inline constexpr const char* kFill = "uniform in [-1, 1]";

/// n values, uniform in [lo, hi), that bf16 represents exactly.
std::vector<float> random_values(Stream stream, int64_t n, uint32_t seed, float lo, float hi);

/// Writes values to a tensor (f32, bf16 or f16), rounded to its type, and reads them back.
void write(Stream stream, const Tensor& to, const std::vector<float>& values);
std::vector<float> read(Stream stream, const Tensor& from);

/// Fills a tensor with random values in [-1, 1). Large tensors repeat the same 4 M values.
void randomize(Stream stream, const Tensor& t, uint32_t seed);

}  // namespace temper::bench
