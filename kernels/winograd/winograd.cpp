#include "kernels/winograd/winograd.h"

#include <algorithm>

#include "kernels/runtime/ceil_div.h"
#include "kernels/winograd/transforms.h"

namespace temper::winograd {

using conv3x3::ConvAlgorithm;
using conv3x3::ConvProblem;
using conv3x3::kLanes;
using conv3x3::Tiling;

const Kernels* kernels([[maybe_unused]] InstructionSet set) {
#if defined(__x86_64__)
  switch (set) {
    case InstructionSet::avx2: return &kAvx2;
    case InstructionSet::avx512: return &kAvx512;
    case InstructionSet::vnni: return &kVnni;
  }
#endif
  return nullptr;
}

double computed_per_output(const ConvAlgorithm& a, const ConvProblem& g) {
  const int64_t computed = ceil_div(g.p, a.tile) * ceil_div(g.q, a.tile) * a.tile * a.tile;
  return static_cast<double>(computed) / static_cast<double>(g.p * g.q);
}

Tiling tiling(const Kernels& kernels, const ConvAlgorithm& a, const ConvProblem& g, int threads) {
  constexpr int64_t kStaysInCache = int64_t{4} << 20, kTogether = 256, kLarge = 64;
  const int64_t tiles = g.n * ceil_div(g.p, a.tile) * ceil_div(g.q, a.tile);
  if (kFilterPoints * g.c * g.k > kStaysInCache) {
    const int64_t together = std::min(tiles, kTogether), ranges = ceil_div(g.k, 2 * kLanes);
    return {.block = std::min(together, kLarge), .together = together, .ranges = std::min<int64_t>(threads, ranges)};
  }
  const int64_t most = g.k > kLanes ? kernels.block : kernels.block_of_unit;
  const int64_t blocks = ceil_div(ceil_div(tiles, most), threads) * threads;
  return {.block = ceil_div(tiles, blocks)};
}

}  // namespace temper::winograd
