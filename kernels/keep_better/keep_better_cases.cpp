#include "kernels/keep_better/keep_better.h"

#include "kernels/runtime/case.h"

namespace temper {
namespace {

template <class T>
void add_cases() {
  const DType t = dtype_of<T>();
  for (const auto& [rows, cols] :
       {std::pair<int64_t, int>{0, 12}, {1, 1}, {31, 3}, {33, 33}, {64, 3072}, {kImages, kImageElements}}) {
    const int64_t n = rows * cols;
    add_case({.kernel = "keep_better",
              .axes = {{"dtype", t}, {"shape", cat(rows, "x", cols)}},
              .size = size_of_case(rows, kImages),
              .arrays = {{"best", Role::inout, t, n},
                         {"best_score", Role::inout, t, rows},
                         {"candidate", Role::in, t, n},
                         {"score", Role::in, t, rows}},
              .run =
                  [rows = rows, cols = cols](Stream s, const CaseArgs& a) {
                    keep_better<T>(s, rows, cols, a.get<T>(0), a.get<T>(1), a.get<T>(2), a.get<T>(3));
                  },
              .reference =
                  [rows = rows, cols = cols](auto& a) {
                    for (int64_t r = 0; r < rows; ++r) {
                      if (a[3][r] < a[1][r]) continue;
                      for (int64_t i = r * cols; i < (r + 1) * cols; ++i) a[0][i] = a[2][i];
                      a[1][r] = a[3][r];
                    }
                  },
              .tolerance = 0,
              .bytes = 2.0 * n * sizeof(T)});
  }
}

const CaseGroup group([] {
  add_cases<float>();
  add_cases<double>();
});

}  // namespace
}  // namespace temper
