#pragma once
#include <cstdint>

#include "kernels/runtime/philox.h"
#include "kernels/runtime/stream.h"

namespace TEMPER_API temper {

/// The noise an attack starts with, per element u of sample `id`, always from random words (key, id, u):
///   uniform      scale * U(-1, 1)
///   normal       scale * N(0, 1)
///   l2_direction scale * U(0, 1) * g / |g| with g normal: a random direction, the radius uniform (not uniform in the
///   ball)
enum class Noise : uint8_t { uniform, normal, l2_direction };

struct NoiseStart {
  Noise noise = Noise::uniform;
  RngKey key;
  double scale = 0;
  double lo = 0, hi = 1;  ///< what the start is clamped to; infinities for not at all
};

/// x = clamp(clean + noise, lo, hi) for each row (sample) of (rows, cols); ids (rows). The same bits for any batch
/// split, thread count and, but for l2_direction, device. x may be clean. f32 and f64 (the same noise, scaled in f64).
/// scales (rows), null or what each row has in place of start.scale.
template <class T>
void pgd_start(Stream stream, int64_t rows, int cols, T* x, const T* clean, const int32_t* ids, const NoiseStart& start,
               const T* scales = nullptr);

}  // namespace temper
