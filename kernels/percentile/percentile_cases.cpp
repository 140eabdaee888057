#include <algorithm>
#include <cmath>

#include "kernels/percentile/percentile.h"
#include "kernels/runtime/case.h"

namespace temper {
namespace {

/// NumPy's linear percentile by sorting.
double sorted_percentile(std::vector<double> v, double percent) {
  std::sort(v.begin(), v.end());
  const double at = percent / 100 * static_cast<double>(v.size() - 1);
  const size_t below = static_cast<size_t>(at), above = std::min(below + 1, v.size() - 1);
  return v[below] + (v[above] - v[below]) * (at - static_cast<double>(below));
}

/// What a buffer of n values is cut into: pieces of unlike length with gaps between them, whose values do not count.
std::vector<Slice> cut(int64_t n, int32_t groups) {
  std::vector<Slice> slices;
  int32_t i = 0;
  for (int64_t from = 0, count = 1; from + count <= n; from += count + 3, count = 3 * count + 1, ++i)
    slices.push_back({from, count, groups == 1 ? 0 : i});
  return slices;
}

template <class T>
void add_case_of(int64_t n, bool whole, double percent, double lo, double hi, const char* label) {
  const DType t = dtype_of<T>();
  const std::vector<Slice> slices = cut(n, whole ? 1 : 2);
  const int64_t groups = slices.empty() ? 0 : slices.back().group + 1;
  add_case({.kernel = "percentile",
            .name = cat(name(t), whole ? "/global" : "/per_slice", label, "/p=", percent, "/n=", n),
            .size = size_of_case(n, kActivationElements),
            .arrays = {{"x", Role::in, t, n, lo, hi}, {"thresholds", Role::out, t, groups}},
            .run =
                [=](Stream s, const CaseArgs& a) {
                  PercentilePlan plan(s, slices, percent);
                  percentile<T>(s, plan, a.get<T>(0), a.get<T>(1));
                  synchronize(s);
                },
            .reference =
                [=](auto& a) {
                  std::vector<std::vector<double>> members(groups);
                  for (const Slice& s : slices)
                    members[s.group].insert(members[s.group].end(), a[0].begin() + s.from,
                                            a[0].begin() + s.from + s.count);
                  for (int64_t g = 0; g < groups; ++g) a[1][g] = sorted_percentile(members[g], percent);
                },
            .tolerance = sizeof(T) == 4 ? 1e-7 : 1e-15,
            .bytes = (sizeof(T) == 4 ? 4.0 : 7.0) * n * sizeof(T)});
}

template <class T>
void add_cases() {
  for (const int64_t n : case_sizes(kActivationElements))
    for (const bool whole : {false, true})
      for (const double percent : {0.0, 30.0, 99.9, 100.0}) add_case_of<T>(n, whole, percent, -1, 1, "");
  add_case_of<T>(1000, true, 50, 0.25, 0.25, "/ties");
  add_case_of<T>(40001, false, 30, -1e-30, 1e-30, "/tiny");
}

const CaseGroup group([] {
  add_cases<float>();
  add_cases<double>();
});

}  // namespace
}  // namespace temper
