#include "kernels/gather/gather.h"
#include "kernels/runtime/case.h"

namespace temper {
namespace {

const CaseGroup group([] {
  for (const int64_t n : kCaseSizes)
    add_case({.kernel = "gather",
              .name = cat("i32/n=", n),
              .arrays = {{"table", Role::in, DType::i32, 50, -9, 99},
                         {"ids", Role::in, DType::i32, n, 0, 49},
                         {"y", Role::out, DType::i32, n}},
              .run = [n](Stream s,
                         const CaseArgs& a) { gather(s, n, a.get<int32_t>(0), a.get<int32_t>(1), a.get<int32_t>(2)); },
              .reference =
                  [n](auto& a) {
                    for (int64_t i = 0; i < n; ++i) a[2][i] = a[0][static_cast<int64_t>(a[1][i])];
                  },
              .bytes = 12.0 * n});
  for (const int64_t n : kCaseSizes)
    add_case({.kernel = "gather",
              .axes = {{"op", "take"}, {"n", n}},
              .arrays = {{"table", Role::in, DType::i32, n + 50, -9, 99},
                         {"first", Role::in, DType::i64, 1, 0, 49},
                         {"y", Role::out, DType::i32, n}},
              .run =
                  [n](Stream s, const CaseArgs& a) {
                    take(s, n, a.get<int32_t>(0), ScalarArg<int64_t>(a.get<const int64_t>(1)), a.get<int32_t>(2));
                  },
              .reference =
                  [n](auto& a) {
                    for (int64_t i = 0; i < n; ++i) a[2][i] = a[0][static_cast<int64_t>(a[1][0]) + i];
                  },
              .bytes = 8.0 * n});
});

}  // namespace
}  // namespace temper
