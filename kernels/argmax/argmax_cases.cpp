#include "kernels/argmax/argmax.h"
#include "kernels/runtime/case.h"

namespace temper {
namespace {

template <class T>
void add_cases() {
  const DType t = dtype_of<T>();
  for (const auto& [rows, cols] : {std::pair<int64_t, int>{0, 4}, {1, 1}, {3, 31}, {5, 33}, {128, 10}, {129, 1000}}) {
    const int64_t n = rows * cols;
    add_case({.kernel = "argmax",
              .axes = {{"dtype", t}, {"shape", cat(rows, "x", cols)}},
              .arrays = {{"y", Role::out, DType::i32, rows}, {"x", Role::in, t, n, -9, -1}},
              .run = [rows = rows, cols = cols](
                         Stream s, const CaseArgs& a) { argmax(s, rows, cols, a.get<int32_t>(0), a.get<T>(1)); },
              .reference =
                  [rows = rows, cols = cols](auto& a) {
                    for (int64_t r = 0; r < rows; ++r) {
                      a[0][r] = 0;
                      for (int c = 1; c < cols; ++c)
                        if (a[1][r * cols + c] > a[1][r * cols + static_cast<int>(a[0][r])]) a[0][r] = c;
                    }
                  },
              .tolerance = 0,
              .bytes = 1.0 * n * sizeof(T)});
  }
}

const CaseGroup group([] {
  add_cases<float>();
  add_cases<double>();
});

}  // namespace
}  // namespace temper
