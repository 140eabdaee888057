#include "kernels/column_sum/column_sum.h"
#include "kernels/runtime/case.h"

namespace temper {
namespace {

template <class T, class Sum>
void add_cases() {
  const DType t = dtype_of<T>();
  for (const int64_t rows : {0, 1, 7, 1000, 64 * 32 * 32})
    for (const int cols : {1, 10, 33})
      for (const float beta : {0.f, 1.f})
        add_case(
            {.kernel = "column_sum",
             .name = cat(name(t), "/beta=", beta, "/rows=", rows, "/cols=", cols),
             .arrays = {{"x", Role::in, t, rows * cols}, {"y", Role::inout, dtype_of<Sum>(), cols}},
             .run = [=](Stream s,
                        const CaseArgs& a) { column_sum<T, Sum>(s, rows, cols, a.get<T>(0), beta, a.get<Sum>(1)); },
             .reference =
                 [=](auto& a) {
                   for (int c = 0; c < cols; ++c) {
                     double sum = beta * a[1][c];
                     for (int64_t r = 0; r < rows; ++r) sum += a[0][r * cols + c];
                     a[1][c] = sum;
                   }
                 },
             .tolerance = 1e-5,
             .bytes = 1.0 * rows * cols * sizeof(T)});
}

const CaseGroup group([] {
  add_cases<float, float>();
  add_cases<double, double>();
  add_cases<bfloat16, float>();
  add_cases<float16, float>();
});

}  // namespace
}  // namespace temper
