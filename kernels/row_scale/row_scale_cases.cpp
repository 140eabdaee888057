#include "kernels/row_scale/row_scale.h"

#include "kernels/axpby/sink_case.h"

namespace temper {
namespace {

template <class T>
void add_cases() {
  const DType t = dtype_of<T>();
  for (const auto& [rows, cols] : {std::pair<int64_t, int>{0, 4}, {1, 1}, {3, 31}, {5, 33}, {128, 10}, {41, 1000}})
    for (const RowFactors factors : {RowFactors::one_per_row, RowFactors::one})
      for (const float beta : {0.f, 1.f}) {
        const int64_t n = rows * cols, count = factors == RowFactors::one ? 1 : rows;
        add_case(with_sink<T>({.kernel = "row_scale",
                               .name = cat(name(t), "/factors=", count, "/beta=", beta, "/", rows, "x", cols,
                                           factors == RowFactors::one ? "/one" : ""),
                               .arrays = {{"y", Role::inout, t, n}, {"x", Role::in, t, n}, {"s", Role::in, t, count}},
                               .reference =
                                   [n, cols = cols, count, beta](auto& a) {
                                     for (int64_t i = 0; i < n; ++i)
                                       a[0][i] = beta * a[0][i] + 0.5 * a[2][count == 1 ? 0 : i / cols] * a[1][i];
                                   },
                               .tolerance = sizeof(T) == 4 ? 3e-7 : 1e-15,
                               .bytes = (2.0 + beta) * n * sizeof(T),
                               .known = known::Broadcast{.kind = known::Broadcast::Kind::multiply,
                                                         .rows = rows,
                                                         .cols = cols,
                                                         .v_rows = count,
                                                         .v_cols = 1,
                                                         .factor = 0.5,
                                                         .x = 1,
                                                         .v = 2,
                                                         .y = 0}},
                              {.to = 0, .n = n, .beta = beta},
                              [rows = rows, cols = cols, factors](Stream s, const CaseArgs& a, float beta, T* y) {
                                row_scale(s, rows, cols, beta, y, a.get<T>(1), a.get<T>(2), factors, 0.5);
                              }));
      }
}

const CaseGroup group([] {
  add_cases<float>();
  add_cases<double>();
});

}  // namespace
}  // namespace temper
