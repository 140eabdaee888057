#include "kernels/runtime/case.h"
#include "tests/extension/prefix_sum.h"

namespace temper {
namespace {

template <class T>
void add(int64_t rows, int cols) {
  const DType t = dtype_of<T>();
  add_case({.kernel = "prefix_sum",
            .axes = {{"dtype", t}, {"rows", rows}, {"cols", cols}},
            .size = size_of_case(rows, kImages),
            .arrays = {{"y", Role::out, t, rows * cols}, {"x", Role::in, t, rows * cols}},
            .run = [=](Stream s, const CaseArgs& a) { prefix_sum<T>(s, rows, cols, a.get<T>(0), a.get<T>(1)); },
            .reference =
                [=](auto& a) {
                  for (int64_t i = 0; i < rows * cols; ++i) a[0][i] = a[1][i] + (i % cols == 0 ? 0 : a[0][i - 1]);
                },
            .tolerance = sizeof(T) == 4 ? 1e-6 + 3e-8 * cols : 1e-12,
            .bytes = 2.0 * rows * cols * sizeof(T)});
}

const CaseGroup group([] {
  for (const int64_t rows : {int64_t{0}, int64_t{1}, int64_t{3}, kImages})
    for (const int cols : {1, 31, 257, 3072, kMostPrefixColumns<double>}) {  // the last ones ask for their memory
      add<float>(rows, cols);
      add<double>(rows, cols);
    }
});

}  // namespace
}  // namespace temper
