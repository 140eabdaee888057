#include "kernels/threshold_mask/threshold_mask.h"

#include "kernels/runtime/case.h"

namespace temper {
namespace {

/// Two slices with a gap between them, each with a threshold of its own.
std::vector<Slice> halves(int64_t n) {
  if (n < 3) return {};
  return {{0, n / 2 - 1, 0}, {n / 2, n - n / 2, 1}};
}

/// Values and thresholds from [lo, hi]: with lo = hi every value lies on its threshold, and is kept.
template <class T>
void add_cases(double lo, double hi, const char* label) {
  const DType t = dtype_of<T>();
  for (const int64_t n : case_sizes(kParameters)) {
    const std::vector<Slice> slices = halves(n);
    add_case({.kernel = "threshold_mask",
              .name = cat(name(t), label, "/n=", n),
              .size = size_of_case(n, kParameters),
              .arrays = {{"x", Role::in, t, n, lo, hi},
                         {"thresholds", Role::in, t, 2, lo, hi},
                         {"mask", Role::inout, t, n},
                         {"kept", Role::out, DType::i32, static_cast<int64_t>(slices.size())}},
              .run =
                  [=](Stream s, const CaseArgs& a) {
                    const PercentilePlan plan(s, slices, 50);
                    const DeviceArray<int32_t> counters(s, threshold_mask_counters(plan));
                    threshold_mask<T>(s, plan, a.get<T>(0), a.get<T>(1), a.get<T>(2), counters.data());
                    std::vector<int32_t> kept;
                    for (const int64_t k : kept_per_slice(plan, counters.read(s))) kept.push_back(k);
                    copy(s, a.get<int32_t>(3), s.device, kept.data(), Device::cpu, kept.size() * sizeof(int32_t));
                    synchronize(s);
                  },
              .reference =
                  [=](auto& a) {
                    for (size_t k = 0; k < slices.size(); ++k) {
                      a[3][k] = 0;
                      for (int64_t i = slices[k].from; i < slices[k].from + slices[k].count; ++i)
                        a[3][k] += a[2][i] = a[0][i] < a[1][k] ? 0 : 1;
                    }
                  },
              .tolerance = 0,
              .bytes = 2.0 * n * sizeof(T)});
  }
}

const CaseGroup group([] {
  add_cases<float>(-1, 1, "");
  add_cases<double>(-1, 1, "");
  add_cases<float>(0.25, 0.25, "/ties");
  add_cases<double>(0.25, 0.25, "/ties");
});

}  // namespace
}  // namespace temper
