#include "kernels/column_sum/column_sum.h"
#include "kernels/runtime/case.h"

namespace temper {
namespace {

template <class T>
void add_cases() {
  using Sum = compute_t<T>;
  const DType t = dtype_of<T>(), sum = dtype_of<Sum>();
  for (const int64_t rows : {0, 1, 7, 1000, 64 * 32 * 32})
    for (const int cols : {1, 10, 33, 64, 2056})
      for (const float beta : {0.f, 1.f}) {
        if (rows > 7 && cols > 64) continue;
        add_case({.kernel = "column_sum",
                  .axes = {{"dtype", t}, {"beta", beta}, {"rows", rows}, {"cols", cols}},
                  .size = size_of_case(rows * cols, 64 * 32 * 32 * 10),
                  .arrays = {{"y", Role::inout, sum, cols},
                             {"workspace", Role::scratch, sum, column_sum_workspace(rows, cols)},
                             {"x", Role::in, t, rows * cols}},
                  .run =
                      [=](Stream s, const CaseArgs& a) {
                        column_sum<T>(s, rows, cols, a.get<Sum>(0), a.get<Sum>(1), a.get<T>(2), beta);
                      },
                  .reference =
                      [=](auto& a) {
                        for (int c = 0; c < cols; ++c) {
                          double sum = beta * a[0][c];
                          for (int64_t r = 0; r < rows; ++r) sum += a[2][r * cols + c];
                          a[0][c] = sum;
                        }
                      },
                  .tolerance = 1e-5 + 2e-9 * rows,  // of sums that may cancel
                  .bytes = 1.0 * rows * cols * sizeof(T),
                  .known = known::ColumnSum{.rows = rows, .cols = cols, .beta = beta, .x = 2, .y = 0}});
      }
}

const CaseGroup group([] {
  add_cases<float>();
  add_cases<double>();
  add_cases<bfloat16>();
  add_cases<float16>();
});

}  // namespace
}  // namespace temper
