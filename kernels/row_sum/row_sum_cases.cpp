#include "kernels/row_sum/row_sum.h"

#include "kernels/axpby/sink_case.h"

namespace temper {
namespace {

template <class T>
void add_cases() {
  const DType t = dtype_of<T>();
  for (const auto& [rows, cols] :
       {std::pair<int64_t, int>{0, 4}, {1, 0}, {1, 1}, {3, 31}, {5, 33}, {1, 1000}, {129, 3072}, {2, 2052}}) {
    const int64_t n = rows * cols;
    add_case({.kernel = "row_sum",
              .axes = {{"dtype", t}, {"shape", cat(rows, "x", cols)}},
              .arrays = {{"y", Role::out, t, rows}, {"x", Role::in, t, n}},
              .run = [rows = rows, cols = cols](
                         Stream s, const CaseArgs& a) { row_sum(s, rows, cols, a.get<T>(0), a.get<T>(1), 0.25); },
              .reference =
                  [rows = rows, cols = cols](auto& a) {
                    for (int64_t r = 0; r < rows; ++r) {
                      a[0][r] = 0;
                      for (int c = 0; c < cols; ++c) a[0][r] += 0.25 * a[1][r * cols + c];
                    }
                  },
              .tolerance = sizeof(T) == 4 ? 1e-5 : 1e-13,
              .bytes = 1.0 * n * sizeof(T),
              .known = known::RowSum{.rows = rows, .cols = cols, .factor = 0.25, .x = 1, .y = 0}});
    for (const float beta : {0.f, 1.f})
      add_case(with_sink<T>(
          {.kernel = "row_sum",
           .axes = {{"op", "backward"}, {"dtype", t}, {"beta", beta}, {"shape", cat(rows, "x", cols)}},
           .arrays = {{"dy", Role::in, t, rows}, {"dx", Role::inout, t, n}},
           .reference =
               [n, cols = cols, beta](auto& a) {
                 for (int64_t i = 0; i < n; ++i) a[1][i] = beta * a[1][i] + a[0][i / cols];
               },
           .tolerance = sizeof(T) == 4 ? 3e-7 : 1e-15,
           .bytes = ((1.0 + beta) * n + rows) * sizeof(T)},
          {.to = 1, .n = n, .beta = beta}, [rows = rows, cols = cols](Stream s, const CaseArgs& a, float beta, T* dx) {
            row_sum_backward(s, rows, cols, a.get<T>(0), beta, dx);
          }));
  }
}

const CaseGroup group([] {
  add_cases<float>();
  add_cases<double>();
});

}  // namespace
}  // namespace temper
