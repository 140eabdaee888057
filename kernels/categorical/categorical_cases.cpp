#include "kernels/categorical/categorical.h"

#include <cmath>

#include "kernels/runtime/case.h"

namespace temper {
namespace {

constexpr RngKey kKey{.seed = 3, .stream_id = RngStreamId::method};

template <class T>
void add_cases() {
  const DType t = dtype_of<T>();
  for (const auto& [rows, cols] : {std::pair<int64_t, int>{0, 4}, {1, 1}, {3, 31}, {5, 33}, {128, 13}, {129, 100}}) {
    const int64_t n = rows * cols;
    add_case({.kernel = "categorical",
              .axes = {{"dtype", t}, {"shape", cat(rows, "x", cols)}},
              .arrays = {{"y", Role::out, DType::i32, rows},
                         {"x", Role::in, t, n, -4, 4},
                         {"ids", Role::in, DType::i32, rows, 0, 60000}},
              .run =
                  [rows = rows, cols = cols](Stream s, const CaseArgs& a) {
                    categorical(s, rows, cols, a.get<int32_t>(0), a.get<const T>(1), a.get<const int32_t>(2), kKey);
                  },
              .reference =
                  [rows = rows, cols = cols](auto& a) {
                    for (int64_t r = 0; r < rows; ++r) {
                      double best = -INFINITY;
                      for (int c = 0; c < cols; ++c) {
                        const double u = random_uniform(kKey, static_cast<uint32_t>(a[2][r]), static_cast<uint32_t>(c));
                        const double score = a[1][r * cols + c] - std::log(-std::log(u));
                        if (score > best) best = score, a[0][r] = c;
                      }
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
