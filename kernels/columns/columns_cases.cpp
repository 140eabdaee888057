#include "kernels/columns/columns.h"

#include "kernels/axpby/sink_case.h"

namespace temper {
namespace {

template <class T>
void add_cases(const ColumnRange& c) {
  const DType t = dtype_of<T>();
  const int64_t all = c.rows * c.cols, part = c.rows * c.count;
  const std::string extents = cat(c.rows, "x", c.cols, "/", c.begin, "+", c.count);
  add_case({.kernel = "columns",
            .name = cat("take/", name(t), "/", extents),
            .arrays = {{"y", Role::out, t, part}, {"x", Role::in, t, all}},
            .run = [c](Stream s, const CaseArgs& a) { take_columns(s, c, a.get<T>(0), a.get<T>(1)); },
            .reference =
                [c](auto& a) {
                  for (int64_t r = 0; r < c.rows; ++r)
                    for (int j = 0; j < c.count; ++j) a[0][r * c.count + j] = a[1][r * c.cols + c.begin + j];
                },
            .tolerance = 0,
            .bytes = 2.0 * part * sizeof(T)});
  for (const float beta : {0.f, 1.f})
    add_case(with_sink<T>({.kernel = "columns",
                           .name = cat("put/", name(t), "/beta=", beta, "/", extents),
                           .arrays = {{"dy", Role::in, t, part}, {"dx", Role::inout, t, all}},
                           .reference =
                               [c, beta](auto& a) {
                                 for (double& v : a[1]) v *= beta;
                                 for (int64_t r = 0; r < c.rows; ++r)
                                   for (int j = 0; j < c.count; ++j)
                                     a[1][r * c.cols + c.begin + j] += a[0][r * c.count + j];
                               },
                           .tolerance = sizeof(T) == 4 ? 3e-7 : 1e-15,
                           .bytes = ((1.0 + beta) * all + part) * sizeof(T)},
                          {.to = 1, .n = all, .beta = beta}, [c](Stream s, const CaseArgs& a, float beta, T* dx) {
                            put_columns(s, c, a.get<T>(0), beta, dx);
                          }));
}

const CaseGroup group([] {
  const ColumnRange ranges[] = {
      {.rows = 0, .cols = 4, .begin = 1, .count = 2},    {.rows = 1, .cols = 1, .begin = 0, .count = 1},
      {.rows = 3, .cols = 31, .begin = 0, .count = 31},  {.rows = 5, .cols = 33, .begin = 32, .count = 1},
      {.rows = 128, .cols = 24, .begin = 8, .count = 8}, {.rows = 41, .cols = 1000, .begin = 3, .count = 500}};
  for (const ColumnRange& c : ranges) {
    add_cases<float>(c);
    add_cases<double>(c);
  }
});

}  // namespace
}  // namespace temper
