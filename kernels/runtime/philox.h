#pragma once
// Philox4x32-10 (Salmon et al. 2011): a counter-based generator without state, the same bits on the CPU and on CUDA.
#include <cmath>
#include <cstdint>

#include "kernels/runtime/api.h"
#include "kernels/runtime/hd.h"
#include "kernels/runtime/scalar_arg.h"

namespace TEMPER_API temper {

struct Philox4 {
  uint32_t x[4];
};

TEMPER_HD Philox4 philox(uint64_t key, uint32_t c0, uint32_t c1, uint32_t c2, uint32_t c3) {
  uint32_t k0 = static_cast<uint32_t>(key), k1 = static_cast<uint32_t>(key >> 32);
  uint32_t x0 = c0, x1 = c1, x2 = c2, x3 = c3;
  for (int round = 0; round < 10; ++round) {
    const uint64_t p0 = uint64_t{0xD2511F53u} * x0, p1 = uint64_t{0xCD9E8D57u} * x2;
    const uint32_t h0 = static_cast<uint32_t>(p0 >> 32), l0 = static_cast<uint32_t>(p0);
    const uint32_t h1 = static_cast<uint32_t>(p1 >> 32), l1 = static_cast<uint32_t>(p1);
    x0 = h1 ^ x1 ^ k0;
    x1 = l1;
    x2 = h0 ^ x3 ^ k1;
    x3 = l0;
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  return {{x0, x1, x2, x3}};
}

/// A uniform number in (0, 1): the midpoints of 2^23 equal steps, exact, so equal on every device.
TEMPER_HD float uniform01(uint32_t r) { return (static_cast<float>(r >> 9) + 0.5f) * (1.0f / 8388608.0f); }

/// The use of random numbers. Streams with different ids never overlap.
enum class RngStreamId : uint32_t { init = 1, shuffle, augment, attack, method, split };

/// The key of a stream of random numbers: everything but sample and element.
struct RngKey {
  uint64_t seed = 0;
  RngStreamId stream_id = RngStreamId::attack;
  ScalarArg<uint32_t> step = 0;  ///< epoch or iteration: separates draws for the same sample
  uint32_t substream = 0;        ///< restart, below 2^24: separates draws within a step

  /// The same stream for a kernel that draws from it often: its step is read once.
  TEMPER_HD RngKey now() const { return {seed, stream_id, step.now(), substream}; }
};

/// Four random words for elements 4i .. 4i+3 of sample `sample`.
TEMPER_HD Philox4 random_words(const RngKey& key, uint32_t sample, uint32_t i) {
  return philox(key.seed, i, sample, key.step.now(), static_cast<uint32_t>(key.stream_id) | key.substream << 8);
}

/// Uniform in (0, 1) for one element of one sample.
TEMPER_HD float random_uniform(const RngKey& key, uint32_t sample, uint32_t element) {
  return uniform01(random_words(key, sample, element / 4).x[element % 4]);
}

struct NormalPair {
  float x[2];
};

struct Direction {
  double cos, sin;
};

/// Cosine and sine of `turn` full turns, in [0, 1), to 13 digits: an exact reduction to an eighth of a turn around one
/// of the four axes, then the Taylor series. The libraries' functions reduce angles of any size, for which a GPU needs
/// a stack.
TEMPER_HD Direction direction(double turn) {
  const int quarter = static_cast<int>(4 * turn + 0.5);
  const double a = 6.283185307179586 * (turn - 0.25 * quarter), s = a * a;
  const double cos =
      1 - s / 2 * (1 - s / 12 * (1 - s / 30 * (1 - s / 56 * (1 - s / 90 * (1 - s / 132 * (1 - s / 182))))));
  const double sin = a * (1 - s / 6 * (1 - s / 20 * (1 - s / 42 * (1 - s / 72 * (1 - s / 110 * (1 - s / 156))))));
  const bool across = quarter & 1, back = quarter & 2;
  const double x = across ? -sin : cos, y = across ? cos : sin;
  return {back ? -x : x, back ? -y : y};
}

/// Two standard normals from two random words (Box-Muller). Computed in double and rounded once, because the devices'
/// float sin, cos and log differ in the last bit.
TEMPER_HD NormalPair normal_pair(uint32_t a, uint32_t b) {
  const double radius = std::sqrt(-2.0 * std::log(static_cast<double>(uniform01(a))));
  const Direction d = direction(static_cast<double>(uniform01(b)));
  return {{static_cast<float>(radius * d.cos), static_cast<float>(radius * d.sin)}};
}

/// Standard normal for one element of one sample.
TEMPER_HD float random_normal(const RngKey& key, uint32_t sample, uint32_t element) {
  const Philox4 w = random_words(key, sample, element / 4);
  return (element % 4 < 2 ? normal_pair(w.x[0], w.x[1]) : normal_pair(w.x[2], w.x[3])).x[element % 2];
}

}  // namespace temper
