#include "kernels/categorical/categorical.h"

#include <cmath>

#include "kernels/runtime/row.h"

namespace temper {

namespace {

template <class T>
struct Categorical {
  int32_t* y;
  const T* x;
  const int32_t* ids;
  RngKey key;
  TEMPER_HD void operator()(const Row& row) const {
    const T* v = x + row.at(0);
    const auto id = static_cast<uint32_t>(ids[row.index]);
    const RngKey now = key.now();
    // In double, as all devices' agree in the digits that decide.
    const auto score = [&](int c, T v) {
      const auto u = static_cast<double>(random_uniform(now, id, static_cast<uint32_t>(c)));
      return static_cast<double>(v) - std::log(-std::log(u));
    };
    const double best = row.max(score, v);
    const int first = -row.max([&](int c, T v) { return score(c, v) == best ? -c : -row.size; }, v);
    const int bad = row.sum([](int, T v) { return v - v == T(0) ? 0 : 1; }, v);
    row.once([&] { y[row.index] = bad ? -1 : first; });
  }
};

}  // namespace

template <class T>
void categorical(Stream stream, int64_t rows, int cols, int32_t* y, const T* x, const int32_t* ids, const RngKey& key) {
  const KernelRange range(stream, "categorical", {rows, cols});
  for_each_row(stream, rows, cols, Categorical<T>{y, x, ids, key});
}

template void categorical<float>(Stream, int64_t, int, int32_t*, const float*, const int32_t*, const RngKey&);
template void categorical<double>(Stream, int64_t, int, int32_t*, const double*, const int32_t*, const RngKey&);

}  // namespace temper
