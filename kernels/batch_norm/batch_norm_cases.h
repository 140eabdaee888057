#pragma once
// What BatchNorm's cases share: arrays, names and tolerances for (rows, channels) of T.
#include <string>
#include <vector>

#include "kernels/batch_norm/batch_norm.h"
#include "kernels/runtime/case.h"

namespace TEMPER_API temper {

template <class T>
struct BatchNormCases {
  using S = compute_t<T>;
  int64_t rows;
  int channels;

  static constexpr DType t = dtype_of<T>(), s = dtype_of<S>();
  const int64_t n = rows * channels;
  const double rounding = sizeof(T) == 2 ? 1.6e-2 : sizeof(T) == 4 ? 2e-5 : 1e-12;

  const double cancelling = sizeof(S) == 4 ? 2e-9 * static_cast<double>(rows) : 0;  ///< sums of terms of either sign

  CaseArray in(const char* name, double lo = -1, double hi = 1) const { return {name, Role::in, t, n, lo, hi}; }
  CaseArray param(const char* name, double lo = -1, double hi = 1) const {
    return {name, Role::in, s, channels, lo, hi};
  }
  CaseArray result(const char* name) const { return {name, Role::out, s, channels}; }
  CaseArray scratch(const char* name) const { return {name, Role::scratch, t, n}; }
  CaseArray workspace() const { return {"workspace", Role::scratch, s, batch_norm_workspace(rows, channels)}; }
  CaseSize size() const { return size_of_case(n, 64 * 4 * 4 * 512); }
  std::string title(const std::string& variant) const {
    return cat(variant, "/", name(t), "/rows=", rows, "/channels=", channels);
  }
  static BatchNormAffine<S> affine(const CaseArgs& a, int first) {
    return {a.get<S>(first), a.get<S>(first + 1), a.get<S>(first + 2), a.get<S>(first + 3)};
  }
  std::vector<CaseArray> with_affine(std::vector<CaseArray> arrays) const {
    for (const CaseArray& p : {param("mean"), param("invstd", 0.5, 2), param("gamma"), param("beta")})
      arrays.push_back(p);
    return arrays;
  }
  /// f(element, channel) for all elements.
  template <class F>
  void each(F f) const {
    for (int64_t i = 0; i < n; ++i) f(i, static_cast<int>(i % channels));
  }
};

/// add(rows, channels, tag of the type) for all sizes that tests run.
template <class F>
void each_batch_norm_size(F add) {
  const auto types = [&](int64_t rows, int channels) {
    add(rows, channels, float{});
    add(rows, channels, double{});
    add(rows, channels, bfloat16{});
    add(rows, channels, float16{});
  };
  for (const int64_t rows : {1, 7, 1000})
    for (const int channels : {1, 3, 10, 16, 64, 100}) types(rows, channels);
  types(7, 2052);  // more channels than one block has threads for
}
/// The same for those of a network, which the benchmarks run.
template <class F>
void each_large_batch_norm_size(F add) {
  for (const auto& [rows, channels] : kActivations) {
    add(rows, channels, float{});
    add(rows, channels, bfloat16{});
  }
}

}  // namespace temper
