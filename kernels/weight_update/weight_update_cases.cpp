#include "kernels/convert/convert.h"
#include "kernels/ema/ema.h"
#include "kernels/runtime/case.h"
#include "kernels/runtime/memory.h"
#include "kernels/weight_update/weight_update.h"

namespace temper {
namespace {

constexpr SgdStep kStep{.lr = 0.25, .momentum = 0.9, .weight_decay = 0.01, .kind = Momentum::nesterov};
constexpr double kDecay = 0.99;

enum class Mask : uint8_t { none, zero_gradient, freeze };
enum class Copies : uint8_t { average, half, both };

const char* name(Mask m) { return m == Mask::none ? "" : m == Mask::freeze ? "/freeze" : "/zero_gradient"; }
const char* name(Copies c) { return c == Copies::average ? "/ema" : c == Copies::half ? "/narrow" : "/ema+narrow"; }

template <class T, class N>
void add(int64_t n, Mask masked, Copies copies) {
  const DType t = dtype_of<T>();
  const bool average = copies != Copies::half, half = copies != Copies::average;
  const MaskMode mode = masked == Mask::freeze ? MaskMode::freeze : MaskMode::zero_gradient;
  // An array that a variant does without is empty.
  const int64_t masks = masked == Mask::none ? 0 : n, averages = average ? n : 0, halves = half ? n : 0;
  const auto arrays = [=](Stream s, const CaseArgs& a) {
    if (masks) set_zero(s, a.get<T>(3), n / 2 * sizeof(T));  // random masks hold no zeros
    return WeightArrays<T, N>{.w = a.get<T>(0),
                              .velocity = a.get<T>(1),
                              .grad = a.get<T>(2),
                              .mask = masks ? a.get<T>(3) : nullptr,
                              .average = averages ? a.get<T>(4) : nullptr,
                              .half = halves ? a.get<N>(5) : nullptr};
  };
  add_case({.kernel = "weight_update",
            .name = cat(temper::name(t), half ? cat("-", temper::name(dtype_of<N>())) : "", name(masked), name(copies),
                        "/n=", n),
            .size = size_of_case(n, kParameters),
            .arrays = {{"w", Role::inout, t, n},
                       {"velocity", Role::inout, t, n},
                       {"grad", Role::in, t, n},
                       {"mask", Role::inout, t, masks},
                       {"average", Role::inout, t, averages},
                       {"narrow", Role::out, dtype_of<N>(), halves}},
            .run = [=](Stream s, const CaseArgs& a) { weight_update(s, n, arrays(s, a), mode, kStep, kDecay); },
            .reference =
                [=](auto& a) {
                  for (int64_t i = 0; i < n; ++i) {
                    double &w = a[0][i], &v = a[1][i];
                    if (masks && i < n / 2) a[3][i] = 0;
                    const bool zero = masks && a[3][i] == 0;
                    if (!zero || mode == MaskMode::zero_gradient) {
                      const double g = (zero ? 0 : a[2][i]) + kStep.weight_decay * w;
                      v = kStep.momentum * v + g;
                      w -= kStep.lr.now() * (g + kStep.momentum * v);
                    }
                    if (average) a[4][i] = kDecay * a[4][i] + (1 - kDecay) * w;
                    if (half) a[5][i] = w;
                  }
                },
            .tolerance = half             ? 8e-3
                         : sizeof(T) == 4 ? 4e-7
                                          : 1e-15,
            .bytes = 5.0 * n * sizeof(T) + masks * sizeof(T) + 2.0 * averages * sizeof(T) + halves * sizeof(N),
            .unfused =
                [=](Stream s, const CaseArgs& args) {
                  const WeightArrays<T, N> a = arrays(s, args);
                  sgd_step<T>(s, n, a.w, a.velocity, a.grad, a.mask, mode, kStep);
                  if (a.average) ema<T>(s, n, a.average, a.w, kDecay);
                  if constexpr (sizeof(T) == 4) {
                    if (a.half) convert<N, T>(s, n, a.w, 0.f, a.half);
                  }
                },
            .unfused_name = "sgd_step, ema and convert"});
}

/// Its numbers read from memory.
void add_live(int64_t n, int moves) {
  const auto step = [](const CaseArgs& a) {
    SgdStep s = kStep;
    s.lr = ScalarArg<double>(a.get<const double>(5));
    s.moves = ScalarArg<uint32_t>(a.get<const uint32_t>(6));
    return s;
  };
  add_case({.kernel = "weight_update",
            .name = cat("f32-bf16/live/moves=", moves, "/n=", n),
            .size = size_of_case(n, kParameters),
            .arrays = {{"w", Role::inout, DType::f32, n},
                       {"velocity", Role::inout, DType::f32, n},
                       {"grad", Role::in, DType::f32, n},
                       {"average", Role::inout, DType::f32, n},
                       {"narrow", Role::inout, DType::bf16, n},
                       {"lr", Role::in, DType::f64, 1, 0.1, 0.5},
                       {"moves", Role::in, DType::i32, 1, double(moves), double(moves)},
                       {"decay", Role::in, DType::f64, 1, 0, 1}},
            .run =
                [=](Stream s, const CaseArgs& a) {
                  weight_update<float, bfloat16>(s, n,
                                                 {.w = a.get<float>(0),
                                                  .velocity = a.get<float>(1),
                                                  .grad = a.get<float>(2),
                                                  .average = a.get<float>(3),
                                                  .half = a.get<bfloat16>(4)},
                                                 MaskMode::freeze, step(a), ScalarArg<double>(a.get<const double>(7)));
                },
            .reference =
                [=](auto& a) {
                  for (int64_t i = 0; i < n; ++i) {
                    double &w = a[0][i], &v = a[1][i];
                    if (moves) {
                      const double g = a[2][i] + kStep.weight_decay * w;
                      v = kStep.momentum * v + g;
                      w -= a[5][0] * (g + kStep.momentum * v);
                      a[3][i] = a[7][0] * a[3][i] + (1 - a[7][0]) * w;
                      a[4][i] = w;
                    }
                  }
                },
            .tolerance = 8e-3});
}

const CaseGroup group([] {
  for (const int64_t n : kCaseSizes)
    for (const int moves : {0, 1}) add_live(n, moves);
  for (const int64_t n : case_sizes(kParameters))
    for (const Mask masked : {Mask::none, Mask::zero_gradient, Mask::freeze}) {
      add<double, bfloat16>(n, masked, Copies::average);
      for (const Copies copies : {Copies::average, Copies::half, Copies::both}) add<float, bfloat16>(n, masked, copies);
      for (const Copies copies : {Copies::half, Copies::both}) add<float, float16>(n, masked, copies);
    }
});

}  // namespace
}  // namespace temper
