#include <omp.h>

#include <cstring>
#include <vector>

#include "core/winograd_kernels.h"
#include "tests/catch.h"
#include "tests/gradcheck.h"

using namespace temper;
using winograd::Half;
using winograd::Kernels;
using winograd::Problem;

#if defined(__x86_64__)

namespace {

std::vector<float> floats(int64_t n, int salt) {
  const std::vector<double> v = test::wave(n, salt);
  return {v.begin(), v.end()};
}

template <class T>
std::vector<T> stored(const std::vector<float>& v) {
  std::vector<T> out(v.size());
  for (size_t i = 0; i < v.size(); ++i) {
    if constexpr (sizeof(T) == 4) {
      out[i] = v[i];
    } else {
      uint32_t bits;
      std::memcpy(&bits, &v[i], sizeof bits);
      out[i] = static_cast<Half>(bits >> 16);
    }
  }
  return out;
}

template <class T>
std::vector<T> convolve(const Kernels& code, const Problem& g, bool turned) {
  const int64_t filters = turned ? g.c : g.k, channels = turned ? g.k : g.c;
  const int64_t lanes = (g.k + winograd::kLanes - 1) / winograd::kLanes * winograd::kLanes;
  const int64_t outputs = g.n * (g.h + 2 * g.pad - 2) * (g.w + 2 * g.pad - 2) * g.k;
  std::vector<float> u(winograd::kPoints * g.c * lanes);
  code.transform_filter(filters, channels, floats(filters * 9 * channels, 1).data(), floats(filters, 2).data(), turned,
                        u.data());
  const auto x = stored<T>(floats(g.n * g.h * g.w * g.c, 3)), add = stored<T>(floats(outputs, 4));
  const auto bias = floats(g.k, 5);
  std::vector<T> y(outputs);
  const int64_t tiles = g.n * ((g.h + 2 * g.pad + 1) / 4) * ((g.w + 2 * g.pad + 1) / 4);
  const winograd::Blocking whole{.rows = 5, .count = (tiles + 4) / 5};
  const int64_t each = (code.workspace_floats(g, whole) + 15) / 16 * 16;
  std::vector<float> workspace(each * omp_get_max_threads());
  const winograd::Operands<T> o{x.data(), u.data(), bias.data(), add.data(), y.data(), workspace.data(), each};
  if constexpr (sizeof(T) == 4)
    code.run_float(g, whole, o, true);
  else
    code.run_half(g, whole, o, true);
  return y;
}

}  // namespace

TEST_CASE("AVX2 and AVX-512 compute the same bits", "[conv]") {
  if (!__builtin_cpu_supports("avx512bw") || !__builtin_cpu_supports("avx2")) return;
  for (const Problem& g : {Problem{.n = 2, .h = 7, .w = 9, .c = 32, .k = 20, .pad = 1},
                           Problem{.n = 1, .h = 6, .w = 10, .c = 16, .k = 48, .pad = 2}})
    for (const bool turned : {false, true}) {
      CAPTURE(g.c, g.k, turned);
      CHECK(convolve<float>(winograd::kAvx2, g, turned) == convolve<float>(winograd::kAvx512, g, turned));
      CHECK(convolve<Half>(winograd::kAvx2, g, turned) == convolve<Half>(winograd::kAvx512, g, turned));
    }
}

#endif
