#include "kernels/row_add/row_add.h"
#include "kernels/runtime/case.h"

namespace temper {
namespace {

template <class T>
void add_cases() {
  const DType t = dtype_of<T>();
  for (const int64_t rows : {0, 1, 33, 4001})
    for (const int cols : {1, 10})
      add_case({.kernel = "row_add",
                .axes = {{"dtype", t}, {"rows", rows}, {"cols", cols}},
                .arrays = {{"v", Role::in, t, cols}, {"y", Role::inout, t, rows * cols}},
                .run = [=](Stream s, const CaseArgs& a) { row_add(s, rows, cols, a.get<T>(0), a.get<T>(1)); },
                .reference =
                    [=](auto& a) {
                      for (int64_t i = 0; i < rows * cols; ++i) a[1][i] += a[0][i % cols];
                    },
                .tolerance = sizeof(T) == 2 ? 8e-3 : 1e-6,
                .bytes = 2.0 * rows * cols * sizeof(T),
                .known = known::Broadcast{.kind = known::Broadcast::Kind::add,
                                          .rows = rows,
                                          .cols = cols,
                                          .v_rows = 1,
                                          .v_cols = cols,
                                          .factor = 1,
                                          .x = 1,
                                          .v = 0,
                                          .y = 1}});
}

const CaseGroup group([] {
  add_cases<float>();
  add_cases<double>();
  add_cases<bfloat16>();
  add_cases<float16>();
});

}  // namespace
}  // namespace temper
