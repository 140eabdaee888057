#include <cmath>

#include "kernels/cosine/cosine.h"
#include "kernels/runtime/case.h"

namespace temper {
namespace {

enum class Sides : uint8_t { none, first, both };

template <class T>
void add_case_for(int64_t rows, int cols, Sides sides, double scale) {
  const DType t = dtype_of<T>();
  const int64_t n = rows * cols;
  const char* wanted = sides == Sides::none ? "value" : sides == Sides::first ? "one_side" : "both_sides";
  const int64_t na = sides == Sides::none ? 0 : n, nb = sides == Sides::both ? n : 0;
  add_case({.kernel = "cosine",
            .axes = {{"op", wanted}, {"dtype", t}, {"scale", scale}, {"shape", cat(rows, "x", cols)}},
            .arrays = {{"loss", Role::out, t, rows},
                       {"da", Role::out, t, na},
                       {"db", Role::out, t, nb},
                       {"a", Role::in, t, n, -scale, scale},
                       {"b", Role::in, t, n}},
            .run =
                [=](Stream s, const CaseArgs& a) {
                  cosine_distance(s, rows, cols, a.get<T>(0), na ? a.get<T>(1) : nullptr, nb ? a.get<T>(2) : nullptr,
                                  a.get<T>(3), a.get<T>(4));
                },
            .reference =
                [=](auto& x) {
                  for (int64_t r = 0; r < rows; ++r) {
                    const double *a = &x[3][r * cols], *b = &x[4][r * cols];
                    double ab = 0, aa = 0, bb = 0;
                    for (int c = 0; c < cols; ++c) ab += a[c] * b[c], aa += a[c] * a[c], bb += b[c] * b[c];
                    const bool a_short = aa <= 1e-16, b_short = bb <= 1e-16;
                    aa = std::max(aa, 1e-16), bb = std::max(bb, 1e-16);
                    const double product = std::sqrt(aa * bb);
                    x[0][r] = 1 - ab / product;
                    for (int c = 0; na && c < cols; ++c)
                      x[1][r * cols + c] = a_short ? 0 : ab / product * a[c] / aa - b[c] / product;
                    for (int c = 0; nb && c < cols; ++c)
                      x[2][r * cols + c] = b_short ? 0 : ab / product * b[c] / bb - a[c] / product;
                  }
                },
            .tolerance = sizeof(T) == 4 ? 5e-6 : 1e-13,
            .bytes = (2.0 * n + na + nb + rows) * sizeof(T),
            .flops = 12.0 * n});
}

template <class T>
void add_cases() {
  for (const auto& [rows, cols] : {std::pair<int64_t, int>{0, 8}, {1, 2}, {3, 31}, {5, 33}, {64, 512}, {129, 640}})
    for (const Sides sides : {Sides::none, Sides::first, Sides::both}) add_case_for<T>(rows, cols, sides, 1);
  add_case_for<T>(4, 16, Sides::both, 0);  // rows without a direction
}

const CaseGroup group([] {
  add_cases<float>();
  add_cases<double>();
});

}  // namespace
}  // namespace temper
