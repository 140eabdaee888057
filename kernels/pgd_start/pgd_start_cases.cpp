#include "kernels/pgd_start/pgd_start.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/pgd_step/pgd_step.h"
#include "kernels/runtime/case.h"

namespace temper {
namespace {

/// One sample's noise before scaling, element by element from the generator's plain functions.
std::vector<double> sample_noise(const NoiseStart& start, uint32_t id, int cols) {
  std::vector<double> noise(cols);
  double squares = 0;
  for (int c = 0; c < cols; ++c) {
    noise[c] = start.noise == Noise::uniform ? 2.0 * random_uniform(start.key, id, c) - 1
                                             : double{random_normal(start.key, id, c)};
    squares += noise[c] * noise[c];
  }
  if (start.noise == Noise::l2_direction)
    for (double& v : noise) v *= random_uniform(start.key, id, (cols + 3) / 4 * 4) / std::sqrt(squares);
  return noise;
}

template <class T>
void add_case_for(int64_t rows, int cols, Noise noise, bool clipped) {
  const DType t = dtype_of<T>();
  const char* names[] = {"uniform", "normal", "l2_direction"};
  const double inf = std::numeric_limits<double>::infinity();
  const NoiseStart start{.noise = noise,
                         .key = {.seed = 5, .substream = 3},
                         .scale = 0.5,
                         .lo = clipped ? 0 : -inf,
                         .hi = clipped ? 1 : inf};
  const int64_t n = rows * cols;
  add_case({.kernel = "pgd_start",
            .name = cat(names[static_cast<int>(noise)], clipped ? "/clipped/" : "/", name(t), "/", rows, "x", cols),
            .size = size_of_case(rows, kImages),
            .arrays = {{"x", Role::out, t, n},
                       {"clean", Role::in, t, n, 0, 1},
                       {"ids", Role::in, DType::i32, rows, 0, 60000},
                       {"step", Role::in, DType::i32, 1, 0, 9}},
            .run =
                [=](Stream s, const CaseArgs& a) {
                  NoiseStart live = start;
                  live.key.step = ScalarArg<uint32_t>(a.get<const uint32_t>(3));
                  pgd_start<T>(s, rows, cols, a.get<T>(0), a.get<T>(1), a.get<int32_t>(2), live);
                },
            .reference =
                [=](auto& a) {
                  NoiseStart given = start;
                  given.key.step = static_cast<uint32_t>(a[3][0]);
                  for (int64_t r = 0; r < rows; ++r) {
                    const std::vector<double> v = sample_noise(given, static_cast<uint32_t>(a[2][r]), cols);
                    for (int c = 0; c < cols; ++c)
                      a[0][r * cols + c] = std::clamp(a[1][r * cols + c] + start.scale * v[c], start.lo, start.hi);
                  }
                },
            .tolerance = sizeof(T) == 4 ? 3e-7 : 1e-14,
            .bytes = 2.0 * n * sizeof(T),
            .unfused = if_any(clipped, CaseBody([=](Stream s, const CaseArgs& a) {
                                NoiseStart live = start;
                                live.key.step = ScalarArg<uint32_t>(a.get<const uint32_t>(3));
                                live.lo = -inf, live.hi = inf;
                                T* x = a.get<T>(0);
                                pgd_start<T>(s, rows, cols, x, a.get<T>(1), a.get<int32_t>(2), live);
                                pgd_step_linf<T>(s, n, x, x, x, {.radius = inf, .lo = start.lo, .hi = start.hi});
                              })),
            .unfused_name = "start, box"});
}

template <class T>
void add_cases() {
  for (const auto& [rows, cols] :
       {std::pair<int64_t, int>{0, 12}, {1, 1}, {3, 31}, {5, 33}, {7, 6}, {20, 3072}, {kImages, kImageElements}})
    for (const Noise noise : {Noise::uniform, Noise::normal, Noise::l2_direction})
      for (const bool clipped : {false, true}) add_case_for<T>(rows, cols, noise, clipped);
}

const CaseGroup group([] {
  add_cases<float>();
  add_cases<double>();
});

}  // namespace
}  // namespace temper
