#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "core/convolution/winograd/winograd_kernels.h"
#include "kernels/runtime/dtype.h"
#include "kernels/runtime/philox.h"
#include "kernels/runtime/team.h"
#include "tests/fixtures/catch.h"
#include "tests/fixtures/gradcheck.h"

using namespace temper;
using winograd::Cut;
using winograd::Half;
using winograd::Kernels;
using winograd::Problem;
using winograd::Scheme;

#if defined(__x86_64__)

namespace {

std::vector<float> floats(int64_t n, int salt) {
  const std::vector<double> v = test::wave(n, salt);
  return {v.begin(), v.end()};
}

std::vector<float> normal(int64_t n, int salt) {
  std::vector<float> v(n);
  for (int64_t i = 0; i < n; ++i) v[i] = random_normal({.seed = 7}, salt, static_cast<uint32_t>(i));
  return v;
}

/// In the type of an activation.
template <class T>
std::vector<T> stored(const std::vector<float>& v) {
  std::vector<T> out(v.size());
  for (size_t i = 0; i < v.size(); ++i) {
    if constexpr (sizeof(T) == 4) {
      out[i] = v[i];
    } else {
      const bfloat16 narrow(v[i]);
      std::memcpy(&out[i], &narrow, sizeof narrow);
    }
  }
  return out;
}

std::vector<float> as_floats(const std::vector<Half>& v) {
  std::vector<float> out(v.size());
  for (size_t i = 0; i < v.size(); ++i) {
    const uint32_t bits = uint32_t{v[i]} << 16;
    std::memcpy(&out[i], &bits, sizeof bits);
  }
  return out;
}

using Way = Scheme Kernels::*;

/// The pixel that tap `tap` of output pixel `out` meets, or -1.
int64_t source(Way way, int64_t out, int64_t tap, int64_t pad) {
  if (way == &Kernels::stride1) return out + tap - pad;
  if (way == &Kernels::stride2) return 2 * out + tap - 1;
  return (out + tap) % 2 == 0 ? -1 : (out + tap - 1) / 2;
}

/// The convolution in double precision.
std::vector<double> direct(Way way, const Problem& g, const std::vector<float>& x, const std::vector<float>& w) {
  std::vector<double> y;
  for (int64_t i = 0; i < g.n * g.p * g.q; ++i)
    for (int64_t k = 0; k < g.k; ++k) {
      double sum = 0;
      for (int64_t t = 0; t < 9; ++t) {
        const int64_t row = source(way, i / g.q % g.p, t / 3, g.pad), col = source(way, i % g.q, t % 3, g.pad);
        if (row < 0 || row >= g.h || col < 0 || col >= g.w) continue;
        for (int64_t c = 0; c < g.c; ++c)
          sum += double{x[((i / (g.p * g.q) * g.h + row) * g.w + col) * g.c + c]} * w[(k * 9 + t) * g.c + c];
      }
      y.push_back(sum);
    }
  return y;
}

template <class T>
const winograd::Steps<T>& steps_of(const Scheme& scheme) {
  if constexpr (sizeof(T) == 4)
    return scheme.floats;
  else
    return scheme.halves;
}

/// All units, the last one first.
template <class T>
void transform(const winograd::Steps<T>& steps, const winograd::FilterSource& f, std::vector<float>& u) {
  for (int64_t unit = steps.filter_units(f.inputs(), f.outputs()); unit-- > 0;)
    steps.transform_filter(f, unit, u.data());
}

template <class T>
std::vector<T> convolve_plain(const Scheme& scheme, const Problem& g, const std::vector<T>& x,
                              const std::vector<float>& w) {
  const winograd::Steps<T>& steps = steps_of<T>(scheme);
  const Cut cut{.rows = 14};
  Team team(2);
  const std::vector<float> ones(g.k, 1.f);
  std::vector<float> u(steps.filter_floats(g.c, g.k)), workspace(steps.workspace_floats(g, cut, team.size()));
  std::vector<T> y(g.n * g.p * g.q * g.k);
  transform(steps, {g.k, g.c, w.data(), ones.data(), false}, u);
  steps.run(g, cut, {x.data(), u.data(), nullptr, nullptr, nullptr, y.data(), workspace.data(), &team}, false);
  return y;
}

/// Root of the sum of squared differences.
double distance(const std::vector<double>& a, const std::vector<double>& b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += (a[i] - b[i]) * (a[i] - b[i]);
  return std::sqrt(sum);
}

template <class T>
std::vector<T> convolve(const Scheme& scheme, const Problem& g, bool turned, const Cut& cut) {
  const int64_t filters = turned ? g.c : g.k, channels = turned ? g.k : g.c, outputs = g.n * g.p * g.q * g.k;
  const winograd::Steps<T>& steps = steps_of<T>(scheme);
  Team team(2);
  std::vector<float> u(steps.filter_floats(g.c, g.k));
  const auto w = floats(filters * 9 * channels, 1), scale = floats(filters, 2);
  transform(steps, {filters, channels, w.data(), scale.data(), turned}, u);
  const auto x = stored<T>(floats(g.n * g.h * g.w * g.c, 3)), add = stored<T>(floats(outputs, 4));
  const auto bias = floats(g.k, 5);
  const auto mask = stored<T>(floats(outputs, 6));
  std::vector<T> y(outputs);
  std::vector<float> workspace(steps.workspace_floats(g, cut, team.size()));
  steps.run(g, cut, {x.data(), u.data(), bias.data(), add.data(), mask.data(), y.data(), workspace.data(), &team},
            true);
  return y;
}

template <class T>
std::vector<float> filter_gradient(const winograd::Gradient& gradient, const Problem& g, int threads) {
  Team team(threads);
  const auto x = stored<T>(floats(g.n * g.h * g.w * g.c, 1)), dy = stored<T>(floats(g.n * g.p * g.q * g.k, 2));
  auto dw = floats(g.k * 9 * g.c, 3);
  std::vector<float> workspace(gradient.workspace_floats(g, threads));
  const winograd::GradientOperands<T> o{x.data(), dy.data(), dw.data(), workspace.data(), &team};
  if constexpr (sizeof(T) == 4)
    gradient.floats(g, o, true);
  else
    gradient.halves(g, o, true);
  return dw;
}

struct Case {
  Way way;
  Problem g;
};

}  // namespace

TEST_CASE("a filter gradient by Winograd's algorithm does not depend on threads or on the instruction set", "[conv]") {
  if (!__builtin_cpu_supports("avx512bw") || !__builtin_cpu_supports("avx2")) return;
  for (const auto& [way, g] :
       {Case{&Kernels::stride1, {.n = 2, .h = 7, .w = 9, .c = 48, .k = 32, .pad = 1}},
        Case{&Kernels::stride1, {.n = 3, .h = 5, .w = 6, .c = 32, .k = 16, .pad = 0}},
        Case{&Kernels::stride1, {.n = 9, .h = 15, .w = 17, .c = 16, .k = 48, .pad = 1}},
        Case{&Kernels::stride1, {.n = 2, .h = 5, .w = 6, .c = 112, .k = 96, .pad = 1}},
        Case{&Kernels::stride2, {.n = 9, .h = 30, .w = 34, .c = 16, .k = 32, .pad = 1, .p = 15, .q = 17}},
        Case{&Kernels::stride2, {.n = 2, .h = 9, .w = 12, .c = 112, .k = 96, .pad = 1, .p = 5, .q = 6}},
        Case{&Kernels::stride2, {.n = 3, .h = 8, .w = 5, .c = 48, .k = 16, .pad = 1, .p = 4, .q = 3}}})
    for (const int threads : {1, 2, 3}) {
      CAPTURE(g.c, g.k, g.p, threads);
      const winograd::Gradient& one = (winograd::kAvx512.*way).gradient;
      for (const Kernels* code : {&winograd::kAvx2, &winograd::kAvx512}) {
        const winograd::Gradient& other = (code->*way).gradient;
        CHECK(filter_gradient<float>(other, g, threads) == filter_gradient<float>(one, g, 1));
        CHECK(filter_gradient<Half>(other, g, threads) == filter_gradient<Half>(one, g, 1));
      }
    }
}

TEST_CASE("AVX2 and AVX-512 compute the same bits, however the work is cut", "[conv]") {
  if (!__builtin_cpu_supports("avx512bw") || !__builtin_cpu_supports("avx2")) return;
  const Cut cuts[] = {{.rows = 14}, {.rows = 5}, {.rows = 3, .together = 5, .parts = 1}, {4, 100, 2}};
  for (const auto& [way, g] :
       {Case{&Kernels::stride1, {.n = 2, .h = 7, .w = 9, .c = 32, .k = 84, .pad = 1}},
        Case{&Kernels::stride1, {.n = 1, .h = 6, .w = 10, .c = 16, .k = 48, .pad = 2}},
        Case{&Kernels::stride2, {.n = 2, .h = 15, .w = 18, .c = 32, .k = 84, .pad = 1, .p = 8, .q = 9}},
        Case{&Kernels::stride2, {.n = 3, .h = 8, .w = 5, .c = 16, .k = 48, .pad = 1, .p = 4, .q = 3}},
        Case{&Kernels::stride2_data, {.n = 2, .h = 8, .w = 9, .c = 32, .k = 84, .pad = 0, .p = 15, .q = 18}},
        Case{&Kernels::stride2_data, {.n = 3, .h = 4, .w = 3, .c = 16, .k = 48, .pad = 0, .p = 8, .q = 5}}})
    for (const bool turned : {false, true}) {
      CAPTURE(g.c, g.k, g.p, turned);
      const auto full = convolve<float>(winograd::kAvx512.*way, g, turned, cuts[0]);
      const auto half = convolve<Half>(winograd::kAvx512.*way, g, turned, cuts[0]);
      for (const Cut& cut : cuts)
        for (const Kernels* code : {&winograd::kAvx2, &winograd::kAvx512}) {
          CHECK(convolve<float>(code->*way, g, turned, cut) == full);
          CHECK(convolve<Half>(code->*way, g, turned, cut) == half);
        }
    }
}

TEST_CASE("AVX2 and AVX-512 compute the same bits in a first layer", "[conv]") {
  if (!__builtin_cpu_supports("avx512bw") || !__builtin_cpu_supports("avx2")) return;
  for (int64_t channels = 1; channels <= winograd::kFirstChannels; ++channels)
    for (const auto& [way, g] :
         {Case{&Kernels::first, {.n = 2, .h = 19, .w = 13, .c = channels, .k = 48, .pad = 1}},
          Case{&Kernels::first, {.n = 2, .h = 4, .w = 11, .c = channels, .k = 16, .pad = 1}},
          Case{&Kernels::first_data, {.n = 2, .h = 19, .w = 13, .c = 48, .k = channels, .pad = 1}}}) {
      const bool turned = way == &Kernels::first_data;
      CAPTURE(channels, turned);
      const Cut cut = {.rows = 1};
      CHECK(convolve<float>(winograd::kAvx2.*way, g, turned, cut) ==
            convolve<float>(winograd::kAvx512.*way, g, turned, cut));
      CHECK(convolve<Half>(winograd::kAvx2.*way, g, turned, cut) ==
            convolve<Half>(winograd::kAvx512.*way, g, turned, cut));
    }
}

TEST_CASE("what f32 convolutions by Winograd's algorithm lose", "[conv]") {
  if (!__builtin_cpu_supports("avx2")) return;
  for (const auto& [way, g] :
       {Case{&Kernels::stride1, {.n = 2, .h = 16, .w = 16, .c = 128, .k = 16, .pad = 1}},
        Case{&Kernels::stride2, {.n = 2, .h = 32, .w = 32, .c = 128, .k = 16, .pad = 1, .p = 16, .q = 16}},
        Case{&Kernels::stride2_data, {.n = 2, .h = 8, .w = 8, .c = 128, .k = 16, .pad = 0, .p = 16, .q = 16}}}) {
    const std::vector<float> x = normal(g.n * g.h * g.w * g.c, 1), w = normal(g.k * 9 * g.c, 2);
    const std::vector<double> exact = direct(way, g, x, w);
    const std::vector<float> y = convolve_plain(winograd::kAvx2.*way, g, x, w);
    double largest = 0;
    for (const double v : exact) largest = std::max(largest, std::abs(v));
    const double error = distance({y.begin(), y.end()}, exact) / std::sqrt(static_cast<double>(y.size())) / largest;
    CAPTURE(g.h, g.p, error);
    CHECK(error < 4e-7);
  }
}

TEST_CASE("bf16 convolutions in integers give the same bits, however the work is cut", "[conv]") {
  if (!__builtin_cpu_supports("avx512vnni") || !__builtin_cpu_supports("avx512bf16")) return;
  const Cut cuts[] = {{.rows = 14}, {.rows = 5}, {.rows = 3, .together = 5, .parts = 1}, {4, 100, 2}};
  for (const auto& [way, g] :
       {Case{&Kernels::stride1, {.n = 2, .h = 7, .w = 9, .c = 96, .k = 84, .pad = 1}},
        Case{&Kernels::stride1, {.n = 1, .h = 6, .w = 10, .c = 32, .k = 48, .pad = 2}},
        Case{&Kernels::stride1, {.n = 1, .h = 6, .w = 10, .c = 48, .k = 16, .pad = 1}},
        Case{&Kernels::stride2, {.n = 2, .h = 15, .w = 18, .c = 96, .k = 84, .pad = 1, .p = 8, .q = 9}},
        Case{&Kernels::stride2, {.n = 3, .h = 8, .w = 5, .c = 32, .k = 48, .pad = 1, .p = 4, .q = 3}},
        Case{&Kernels::stride2_data, {.n = 2, .h = 8, .w = 9, .c = 96, .k = 84, .pad = 0, .p = 15, .q = 18}},
        Case{&Kernels::stride2_data, {.n = 3, .h = 4, .w = 3, .c = 32, .k = 48, .pad = 0, .p = 8, .q = 5}}})
    for (const bool turned : {false, true}) {
      CAPTURE(g.c, g.k, g.p, turned);
      const auto y = convolve<Half>(winograd::kVnni.*way, g, turned, cuts[0]);
      for (const Cut& cut : cuts) CHECK(convolve<Half>(winograd::kVnni.*way, g, turned, cut) == y);
      CHECK(convolve<float>(winograd::kVnni.*way, g, turned, cuts[0]) ==
            convolve<float>(winograd::kAvx512.*way, g, turned, cuts[0]));
    }
}

TEST_CASE("integers add less to a bf16 convolution's error than bf16 filters would", "[conv]") {
  if (!__builtin_cpu_supports("avx512vnni") || !__builtin_cpu_supports("avx512bf16")) return;
  for (const bool heavy_tailed : {false, true})
    for (const auto& [way, g] :
         {Case{&Kernels::stride1, {.n = 2, .h = 8, .w = 8, .c = 64, .k = 16, .pad = 1}},
          Case{&Kernels::stride1, {.n = 2, .h = 8, .w = 8, .c = 512, .k = 16, .pad = 1}},
          Case{&Kernels::stride2, {.n = 2, .h = 16, .w = 16, .c = 128, .k = 16, .pad = 1, .p = 8, .q = 8}},
          Case{&Kernels::stride2_data, {.n = 2, .h = 4, .w = 4, .c = 512, .k = 16, .pad = 0, .p = 8, .q = 8}}}) {
      CAPTURE(heavy_tailed, g.c, g.h, g.p);
      std::vector<float> x = normal(g.n * g.h * g.w * g.c, 1), w = normal(g.k * 9 * g.c, 2);
      if (heavy_tailed)
        for (float& v : x) v = v * v * v;
      const std::vector<Half> x16 = stored<Half>(x), w16 = stored<Half>(w);
      const std::vector<double> exact = direct(way, g, as_floats(x16), w),
                                narrow = direct(way, g, as_floats(x16), as_floats(w16));
      const std::vector<Half> y = convolve_plain(winograd::kVnni.*way, g, x16, w);
      std::vector<double> y_integers, y_narrow;
      for (size_t i = 0; i < y.size(); ++i) {
        y_integers.push_back(as_floats(y)[i]);
        y_narrow.push_back(as_floats(stored<Half>({static_cast<float>(narrow[i])}))[0]);
      }
      CHECK(distance(y_integers, exact) < 0.9 * distance(y_narrow, exact));
    }
}

TEST_CASE("what is not finite stays so in a convolution in integers", "[conv]") {
  if (!__builtin_cpu_supports("avx512vnni") || !__builtin_cpu_supports("avx512bf16")) return;
  for (const auto& [way, g] :
       {Case{&Kernels::stride1, {.n = 2, .h = 4, .w = 4, .c = 64, .k = 32, .pad = 1}},
        Case{&Kernels::stride2, {.n = 2, .h = 8, .w = 8, .c = 64, .k = 32, .pad = 1, .p = 4, .q = 4}},
        Case{&Kernels::stride2_data, {.n = 2, .h = 4, .w = 4, .c = 64, .k = 32, .pad = 0, .p = 8, .q = 8}}}) {
    const std::vector<float> w = normal(g.k * 9 * g.c, 2);
    const int64_t image = g.p * g.q * g.k;
    for (const float bad : {NAN, INFINITY, -INFINITY}) {
      CAPTURE(g.h, g.p, bad);
      std::vector<float> x = normal(g.n * g.h * g.w * g.c, 1);
      x[5 * g.c + 3] = bad;
      const std::vector<Half> x16 = stored<Half>(x);
      const std::vector<float> y = as_floats(convolve_plain(winograd::kVnni.*way, g, x16, w));
      const std::vector<double> exact = direct(way, g, as_floats(x16), w);
      for (int64_t i = 0; i < image; ++i)
        if (!std::isfinite(exact[i])) REQUIRE(!std::isfinite(y[i]));
      CHECK(std::all_of(y.begin() + image, y.end(), [](float v) { return std::isfinite(v); }));
    }
    const std::vector<Half> y = convolve_plain(winograd::kVnni.*way, g, std::vector<Half>(g.n * g.h * g.w * g.c), w);
    CHECK(std::all_of(y.begin(), y.end(), [](Half v) { return v == 0; }));
  }
}

#endif
