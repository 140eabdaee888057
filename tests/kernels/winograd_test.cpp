#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "kernels/first_layer/first_layer.h"
#include "kernels/runtime/dtype.h"
#include "kernels/runtime/philox.h"
#include "kernels/runtime/team.h"
#include "kernels/winograd/winograd.h"
#include "tests/fixtures/catch.h"
#include "tests/fixtures/gradcheck.h"
#include "tests/fixtures/skip.h"

using namespace temper;
using conv3x3::ConvAlgorithm;
using conv3x3::ConvKernel;
using conv3x3::ConvProblem;
using conv3x3::Tiling;

/// In a test that needs instructions, first.
#define NEEDS(set) \
  if (!has(set)) TEMPER_SKIP_ON_HOST("this processor does not have " << name(set))

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
  std::vector<T> out;
  for (const float value : v) out.push_back(T(value));
  return out;
}

std::vector<float> as_floats(const std::vector<bfloat16>& v) { return {v.begin(), v.end()}; }

/// Bit by bit.
template <class T>
bool same(const std::vector<T>& a, const std::vector<T>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0;
}

enum class Way : uint8_t { stride1, stride2, stride2_data, first, first_data };

const ConvAlgorithm& algorithm(InstructionSet set, Way way) {
  const winograd::Kernels& winograd = *winograd::kernels(set);
  const first_layer::Kernels& first = *first_layer::kernels(set);
  switch (way) {
    case Way::stride1: return winograd.stride1;
    case Way::stride2: return winograd.stride2;
    case Way::stride2_data: return winograd.stride2_data;
    case Way::first: return first.forward;
    default: return first.data_gradient;
  }
}

/// The pixel that tap `tap` of output pixel `out` meets, or -1.
int64_t source(Way way, int64_t out, int64_t tap, int64_t pad) {
  if (way == Way::stride1) return out + tap - pad;
  if (way == Way::stride2) return 2 * out + tap - 1;
  return (out + tap) % 2 == 0 ? -1 : (out + tap - 1) / 2;
}

/// The convolution in double precision.
std::vector<double> direct(Way way, const ConvProblem& g, const std::vector<float>& x, const std::vector<float>& w) {
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

/// All units, the last one first.
template <class T>
void transform(const ConvKernel<T>& kernel, const conv3x3::FilterSource& f, std::vector<float>& u) {
  for (int64_t unit = kernel.filter_units(f.inputs(), f.outputs()); unit-- > 0;)
    kernel.transform_filter(f, unit, u.data());
}

template <class T>
std::vector<T> convolve_plain(const ConvAlgorithm& algorithm, const ConvProblem& g, const std::vector<T>& x,
                              const std::vector<float>& w) {
  const ConvKernel<T>& kernel = algorithm.of<T>();
  const Tiling tiling{.block = 14};
  Team team(2);
  const std::vector<float> ones(g.k, 1.f);
  std::vector<float> u(kernel.filter_floats(g.c, g.k)), workspace(kernel.workspace_floats(g, tiling, team.size()));
  std::vector<T> y(g.n * g.p * g.q * g.k);
  transform(kernel, {g.k, g.c, w.data(), ones.data(), false}, u);
  kernel.run({.team = &team}, g, tiling, {.x = x.data(), .u = u.data(), .y = y.data(), .workspace = workspace.data()});
  return y;
}

/// Root of the sum of squared differences.
double distance(const std::vector<double>& a, const std::vector<double>& b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += (a[i] - b[i]) * (a[i] - b[i]);
  return std::sqrt(sum);
}

template <class T>
std::vector<T> convolve(const ConvAlgorithm& algorithm, const ConvProblem& g, bool rotated, const Tiling& tiling) {
  const int64_t filters = rotated ? g.c : g.k, channels = rotated ? g.k : g.c, outputs = g.n * g.p * g.q * g.k;
  const ConvKernel<T>& kernel = algorithm.of<T>();
  Team team(2);
  std::vector<float> u(kernel.filter_floats(g.c, g.k));
  const auto w = floats(filters * 9 * channels, 1), scale = floats(filters, 2);
  transform(kernel, {filters, channels, w.data(), scale.data(), rotated}, u);
  const auto x = stored<T>(floats(g.n * g.h * g.w * g.c, 3)), add = stored<T>(floats(outputs, 4));
  const auto bias = floats(g.k, 5);
  const auto mask = stored<T>(floats(outputs, 6));
  std::vector<T> y(outputs);
  std::vector<float> workspace(kernel.workspace_floats(g, tiling, team.size()));
  kernel.run({.team = &team}, g, tiling,
             {.x = x.data(),
              .u = u.data(),
              .bias = bias.data(),
              .add = add.data(),
              .mask = mask.data(),
              .relu = true,
              .y = y.data(),
              .workspace = workspace.data()});
  return y;
}

template <class T>
std::vector<float> filter_gradient(const ConvAlgorithm& algorithm, const ConvProblem& g, int threads) {
  const ConvKernel<T>& kernel = algorithm.of<T>();
  Team team(threads);
  const auto x = stored<T>(floats(g.n * g.h * g.w * g.c, 1)), dy = stored<T>(floats(g.n * g.p * g.q * g.k, 2));
  auto dw = floats(g.k * 9 * g.c, 3);
  std::vector<float> workspace(kernel.filter_gradient_floats(g, threads));
  kernel.filter_gradient(
      {.team = &team}, g,
      {.x = x.data(), .dy = dy.data(), .dw = dw.data(), .accumulate = true, .workspace = workspace.data()});
  return dw;
}

struct Case {
  Way way;
  ConvProblem g;
};

}  // namespace

TEST_CASE("a filter gradient by Winograd's algorithm does not depend on threads or on the instruction set", "[conv]") {
  NEEDS(InstructionSet::avx2);
  NEEDS(InstructionSet::avx512);
  for (const auto& [way, g] :
       {Case{Way::stride1, {.n = 2, .h = 7, .w = 9, .c = 48, .k = 32, .pad = 1}},
        Case{Way::stride1, {.n = 3, .h = 5, .w = 6, .c = 32, .k = 16, .pad = 0}},
        Case{Way::stride1, {.n = 9, .h = 15, .w = 17, .c = 16, .k = 48, .pad = 1}},
        Case{Way::stride1, {.n = 2, .h = 5, .w = 6, .c = 112, .k = 96, .pad = 1}},
        Case{Way::stride2, {.n = 9, .h = 30, .w = 34, .c = 16, .k = 32, .pad = 1, .p = 15, .q = 17}},
        Case{Way::stride2, {.n = 2, .h = 9, .w = 12, .c = 112, .k = 96, .pad = 1, .p = 5, .q = 6}},
        Case{Way::stride2, {.n = 3, .h = 8, .w = 5, .c = 48, .k = 16, .pad = 1, .p = 4, .q = 3}}})
    for (const int threads : {1, 2, 3}) {
      CAPTURE(g.c, g.k, g.p, threads);
      const ConvAlgorithm& one = algorithm(InstructionSet::avx512, way);
      for (const InstructionSet set : {InstructionSet::avx2, InstructionSet::avx512}) {
        const ConvAlgorithm& other = algorithm(set, way);
        CHECK(same(filter_gradient<float>(other, g, threads), filter_gradient<float>(one, g, 1)));
        CHECK(same(filter_gradient<bfloat16>(other, g, threads), filter_gradient<bfloat16>(one, g, 1)));
      }
    }
}

TEST_CASE("AVX2 and AVX-512 compute the same bits, however the work is divided", "[conv]") {
  NEEDS(InstructionSet::avx2);
  NEEDS(InstructionSet::avx512);
  const Tiling tilings[] = {{.block = 14}, {.block = 5}, {.block = 3, .together = 5, .ranges = 1}, {4, 100, 2}};
  for (const auto& [way, g] :
       {Case{Way::stride1, {.n = 2, .h = 7, .w = 9, .c = 32, .k = 84, .pad = 1}},
        Case{Way::stride1, {.n = 1, .h = 6, .w = 10, .c = 16, .k = 48, .pad = 2}},
        Case{Way::stride2, {.n = 2, .h = 15, .w = 18, .c = 32, .k = 84, .pad = 1, .p = 8, .q = 9}},
        Case{Way::stride2, {.n = 3, .h = 8, .w = 5, .c = 16, .k = 48, .pad = 1, .p = 4, .q = 3}},
        Case{Way::stride2_data, {.n = 2, .h = 8, .w = 9, .c = 32, .k = 84, .pad = 0, .p = 15, .q = 18}},
        Case{Way::stride2_data, {.n = 3, .h = 4, .w = 3, .c = 16, .k = 48, .pad = 0, .p = 8, .q = 5}}})
    for (const bool rotated : {false, true}) {
      CAPTURE(g.c, g.k, g.p, rotated);
      const auto full = convolve<float>(algorithm(InstructionSet::avx512, way), g, rotated, tilings[0]);
      const auto half = convolve<bfloat16>(algorithm(InstructionSet::avx512, way), g, rotated, tilings[0]);
      for (const Tiling& tiling : tilings)
        for (const InstructionSet set : {InstructionSet::avx2, InstructionSet::avx512}) {
          CHECK(same(convolve<float>(algorithm(set, way), g, rotated, tiling), full));
          CHECK(same(convolve<bfloat16>(algorithm(set, way), g, rotated, tiling), half));
        }
    }
}

TEST_CASE("AVX2 and AVX-512 compute the same bits in a first layer", "[conv]") {
  NEEDS(InstructionSet::avx2);
  NEEDS(InstructionSet::avx512);
  for (int64_t channels = 1; channels <= first_layer::kMostChannels; ++channels)
    for (const auto& [way, g] : {Case{Way::first, {.n = 2, .h = 19, .w = 13, .c = channels, .k = 48, .pad = 1}},
                                 Case{Way::first, {.n = 2, .h = 4, .w = 11, .c = channels, .k = 16, .pad = 1}},
                                 Case{Way::first_data, {.n = 2, .h = 19, .w = 13, .c = 48, .k = channels, .pad = 1}}}) {
      const bool rotated = way == Way::first_data;
      CAPTURE(channels, rotated);
      const Tiling tiling = {.block = 1};
      CHECK(same(convolve<float>(algorithm(InstructionSet::avx2, way), g, rotated, tiling),
                 convolve<float>(algorithm(InstructionSet::avx512, way), g, rotated, tiling)));
      CHECK(same(convolve<bfloat16>(algorithm(InstructionSet::avx2, way), g, rotated, tiling),
                 convolve<bfloat16>(algorithm(InstructionSet::avx512, way), g, rotated, tiling)));
    }
}

TEST_CASE("what f32 convolutions by Winograd's algorithm lose", "[conv]") {
  NEEDS(InstructionSet::avx2);
  for (const auto& [way, g] :
       {Case{Way::stride1, {.n = 2, .h = 16, .w = 16, .c = 128, .k = 16, .pad = 1}},
        Case{Way::stride2, {.n = 2, .h = 32, .w = 32, .c = 128, .k = 16, .pad = 1, .p = 16, .q = 16}},
        Case{Way::stride2_data, {.n = 2, .h = 8, .w = 8, .c = 128, .k = 16, .pad = 0, .p = 16, .q = 16}}}) {
    const std::vector<float> x = normal(g.n * g.h * g.w * g.c, 1), w = normal(g.k * 9 * g.c, 2);
    const std::vector<double> exact = direct(way, g, x, w);
    const std::vector<float> y = convolve_plain(algorithm(InstructionSet::avx2, way), g, x, w);
    double largest = 0;
    for (const double v : exact) largest = std::max(largest, std::abs(v));
    const double error = distance({y.begin(), y.end()}, exact) / std::sqrt(static_cast<double>(y.size())) / largest;
    CAPTURE(g.h, g.p, error);
    CHECK(error < 4e-7);
  }
}

TEST_CASE("bf16 convolutions in integers give the same bits, however the work is divided", "[conv]") {
  NEEDS(InstructionSet::vnni);
  const Tiling tilings[] = {{.block = 14}, {.block = 5}, {.block = 3, .together = 5, .ranges = 1}, {4, 100, 2}};
  for (const auto& [way, g] :
       {Case{Way::stride1, {.n = 2, .h = 7, .w = 9, .c = 96, .k = 84, .pad = 1}},
        Case{Way::stride1, {.n = 1, .h = 6, .w = 10, .c = 32, .k = 48, .pad = 2}},
        Case{Way::stride1, {.n = 1, .h = 6, .w = 10, .c = 48, .k = 16, .pad = 1}},
        Case{Way::stride2, {.n = 2, .h = 15, .w = 18, .c = 96, .k = 84, .pad = 1, .p = 8, .q = 9}},
        Case{Way::stride2, {.n = 3, .h = 8, .w = 5, .c = 32, .k = 48, .pad = 1, .p = 4, .q = 3}},
        Case{Way::stride2_data, {.n = 2, .h = 8, .w = 9, .c = 96, .k = 84, .pad = 0, .p = 15, .q = 18}},
        Case{Way::stride2_data, {.n = 3, .h = 4, .w = 3, .c = 32, .k = 48, .pad = 0, .p = 8, .q = 5}}})
    for (const bool rotated : {false, true}) {
      CAPTURE(g.c, g.k, g.p, rotated);
      const auto y = convolve<bfloat16>(algorithm(InstructionSet::vnni, way), g, rotated, tilings[0]);
      for (const Tiling& tiling : tilings)
        CHECK(convolve<bfloat16>(algorithm(InstructionSet::vnni, way), g, rotated, tiling) == y);
      CHECK(same(convolve<float>(algorithm(InstructionSet::vnni, way), g, rotated, tilings[0]),
                 convolve<float>(algorithm(InstructionSet::avx512, way), g, rotated, tilings[0])));
    }
}

TEST_CASE("integers add less to a bf16 convolution's error than bf16 filters would", "[conv]") {
  NEEDS(InstructionSet::vnni);
  for (const bool heavy_tailed : {false, true})
    for (const auto& [way, g] :
         {Case{Way::stride1, {.n = 2, .h = 8, .w = 8, .c = 64, .k = 16, .pad = 1}},
          Case{Way::stride1, {.n = 2, .h = 8, .w = 8, .c = 512, .k = 16, .pad = 1}},
          Case{Way::stride2, {.n = 2, .h = 16, .w = 16, .c = 128, .k = 16, .pad = 1, .p = 8, .q = 8}},
          Case{Way::stride2_data, {.n = 2, .h = 4, .w = 4, .c = 512, .k = 16, .pad = 0, .p = 8, .q = 8}}}) {
      CAPTURE(heavy_tailed, g.c, g.h, g.p);
      std::vector<float> x = normal(g.n * g.h * g.w * g.c, 1), w = normal(g.k * 9 * g.c, 2);
      if (heavy_tailed)
        for (float& v : x) v = v * v * v;
      const std::vector<bfloat16> x16 = stored<bfloat16>(x), w16 = stored<bfloat16>(w);
      const std::vector<double> exact = direct(way, g, as_floats(x16), w),
                                narrow = direct(way, g, as_floats(x16), as_floats(w16));
      const std::vector<bfloat16> y = convolve_plain(algorithm(InstructionSet::vnni, way), g, x16, w);
      std::vector<double> y_integers, y_narrow;
      for (size_t i = 0; i < y.size(); ++i) {
        y_integers.push_back(as_floats(y)[i]);
        y_narrow.push_back(as_floats(stored<bfloat16>({static_cast<float>(narrow[i])}))[0]);
      }
      CHECK(distance(y_integers, exact) < 0.9 * distance(y_narrow, exact));
    }
}

TEST_CASE("what is not finite stays so in a convolution in integers", "[conv]") {
  NEEDS(InstructionSet::vnni);
  for (const auto& [way, g] :
       {Case{Way::stride1, {.n = 2, .h = 4, .w = 4, .c = 64, .k = 32, .pad = 1}},
        Case{Way::stride2, {.n = 2, .h = 8, .w = 8, .c = 64, .k = 32, .pad = 1, .p = 4, .q = 4}},
        Case{Way::stride2_data, {.n = 2, .h = 4, .w = 4, .c = 64, .k = 32, .pad = 0, .p = 8, .q = 8}}}) {
    const std::vector<float> w = normal(g.k * 9 * g.c, 2);
    const int64_t image = g.p * g.q * g.k;
    for (const float bad : {NAN, INFINITY, -INFINITY}) {
      CAPTURE(g.h, g.p, bad);
      std::vector<float> x = normal(g.n * g.h * g.w * g.c, 1);
      x[5 * g.c + 3] = bad;
      const std::vector<bfloat16> x16 = stored<bfloat16>(x);
      const std::vector<float> y = as_floats(convolve_plain(algorithm(InstructionSet::vnni, way), g, x16, w));
      const std::vector<double> exact = direct(way, g, as_floats(x16), w);
      for (int64_t i = 0; i < image; ++i)
        if (!std::isfinite(exact[i])) REQUIRE(!std::isfinite(y[i]));
      CHECK(std::all_of(y.begin() + image, y.end(), [](float v) { return std::isfinite(v); }));
    }
    const std::vector<bfloat16> y =
        convolve_plain(algorithm(InstructionSet::vnni, way), g, std::vector<bfloat16>(g.n * g.h * g.w * g.c), w);
    CHECK(std::all_of(y.begin(), y.end(), [](bfloat16 v) { return v.bits == 0; }));
  }
}
