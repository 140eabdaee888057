#include "kernels/misclassified/misclassified.h"

#include "kernels/runtime/case.h"

namespace temper {
namespace {

template <class T>
void add_cases() {
  const DType t = dtype_of<T>();
  for (const bool targeted : {false, true})
    for (const int64_t n : kCaseSizes)
      add_case({.kernel = "misclassified",
                .name = cat(targeted ? "taken_for/" : "", name(t), "/n=", n),
                .arrays = {{"y", Role::out, t, n},
                           {"predicted", Role::in, DType::i32, n, -1, 2},
                           {"labels", Role::in, DType::i32, n, 0, 2}},
                .run =
                    [=](Stream s, const CaseArgs& a) {
                      const auto f = targeted ? taken_for<T> : misclassified<T>;
                      f(s, n, a.get<T>(0), a.get<int32_t>(1), a.get<int32_t>(2));
                    },
                .reference =
                    [=](auto& a) {
                      for (int64_t i = 0; i < n; ++i) a[0][i] = a[1][i] >= 0 && (a[1][i] == a[2][i]) == targeted;
                    },
                .tolerance = 0,
                .bytes = n * (8.0 + sizeof(T))});
}

const CaseGroup group([] {
  add_cases<float>();
  add_cases<double>();
});

}  // namespace
}  // namespace temper
