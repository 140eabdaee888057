#include <omp.h>

#include <cstring>
#include <vector>

#include "core/winograd_kernels.h"
#include "tests/catch.h"
#include "tests/gradcheck.h"

using namespace temper;
using winograd::Cut;
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
std::vector<T> convolve(const Kernels& code, const Problem& g, bool turned, const Cut& cut) {
  const int64_t filters = turned ? g.c : g.k, channels = turned ? g.k : g.c;
  const int64_t outputs = g.n * (g.h + 2 * g.pad - 2) * (g.w + 2 * g.pad - 2) * g.k;
  std::vector<float> u(code.filter_floats(g.c, g.k));
  code.transform_filter(filters, channels, floats(filters * 9 * channels, 1).data(), floats(filters, 2).data(), turned,
                        u.data());
  const auto x = stored<T>(floats(g.n * g.h * g.w * g.c, 3)), add = stored<T>(floats(outputs, 4));
  const auto bias = floats(g.k, 5);
  std::vector<T> y(outputs);
  std::vector<float> workspace(code.workspace_floats(g, cut, omp_get_max_threads()));
  const winograd::Operands<T> o{x.data(), u.data(), bias.data(), add.data(), y.data(), workspace.data()};
  if constexpr (sizeof(T) == 4)
    code.run_float(g, cut, o, true);
  else
    code.run_half(g, cut, o, true);
  return y;
}

template <class T>
std::vector<float> filter_gradient(const Kernels& code, const Problem& g, int threads) {
  const int before = omp_get_max_threads();
  omp_set_num_threads(threads);
  const auto x = stored<T>(floats(g.n * g.h * g.w * g.c, 1));
  const auto dy = stored<T>(floats(g.n * (g.h + 2 * g.pad - 2) * (g.w + 2 * g.pad - 2) * g.k, 2));
  auto dw = floats(g.k * 9 * g.c, 3);
  std::vector<float> workspace(code.gradient_floats(g));
  const winograd::GradientOperands<T> o{x.data(), dy.data(), dw.data(), workspace.data()};
  if constexpr (sizeof(T) == 4)
    code.gradient_float(g, o, true);
  else
    code.gradient_half(g, o, true);
  omp_set_num_threads(before);
  return dw;
}

}  // namespace

TEST_CASE("a filter gradient by Winograd's algorithm does not depend on threads or on the instruction set", "[conv]") {
  if (!__builtin_cpu_supports("avx512bw") || !__builtin_cpu_supports("avx2")) return;
  for (const Problem& g : {Problem{.n = 2, .h = 7, .w = 9, .c = 48, .k = 32, .pad = 1},
                           Problem{.n = 3, .h = 5, .w = 6, .c = 32, .k = 16, .pad = 0}})
    for (const int threads : {1, 2, 3}) {
      CAPTURE(g.c, g.k, threads);
      for (const Kernels* code : {&winograd::kAvx2, &winograd::kAvx512}) {
        CHECK(filter_gradient<float>(*code, g, threads) == filter_gradient<float>(winograd::kAvx512, g, 1));
        CHECK(filter_gradient<Half>(*code, g, threads) == filter_gradient<Half>(winograd::kAvx512, g, 1));
      }
    }
}

TEST_CASE("AVX2 and AVX-512 compute the same bits, however the work is cut", "[conv]") {
  if (!__builtin_cpu_supports("avx512bw") || !__builtin_cpu_supports("avx2")) return;
  const Cut cuts[] = {{.rows = 14}, {.rows = 5}, {.rows = 3, .together = 5, .parts = 1}, {4, 100, 2}};
  for (const Problem& g : {Problem{.n = 2, .h = 7, .w = 9, .c = 32, .k = 84, .pad = 1},
                           Problem{.n = 1, .h = 6, .w = 10, .c = 16, .k = 48, .pad = 2}})
    for (const bool turned : {false, true}) {
      CAPTURE(g.c, g.k, turned);
      const auto full = convolve<float>(winograd::kAvx512, g, turned, cuts[0]);
      const auto half = convolve<Half>(winograd::kAvx512, g, turned, cuts[0]);
      for (const Cut& cut : cuts)
        for (const Kernels* code : {&winograd::kAvx2, &winograd::kAvx512}) {
          CHECK(convolve<float>(*code, g, turned, cut) == full);
          CHECK(convolve<Half>(*code, g, turned, cut) == half);
        }
    }
}

#endif
