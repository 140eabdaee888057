#include "kernels/square_sum/square_sum.h"

#include "kernels/runtime/row.h"

namespace temper {

namespace {

constexpr int kBlock = 4096;

template <class T>
struct BlockSquares {
  const T* x;
  T* partial;
  int64_t n;
  TEMPER_HD void operator()(const Row& row) const {
    const T s = row.first(n - row.at(0)).sum([](int, T v) { return v * v; }, x + row.at(0));
    row.once([&] { partial[row.index] = s; });
  }
};

template <class T>
struct Total {
  const T* partial;
  T* y;
  TEMPER_HD void operator()(const Row& row) const {
    const T s = row.sum([](int, T v) { return v; }, partial);
    row.once([&] { y[0] = s; });
  }
};

}  // namespace

int64_t square_sum_partials(int64_t n) { return (n + kBlock - 1) / kBlock; }

template <class T>
void square_sum(Stream stream, int64_t n, const T* x, T* partial, T* y) {
  const KernelRange range(stream, "square_sum", {n});
  const int64_t blocks = square_sum_partials(n);
  for_each_row(stream, blocks, kBlock, BlockSquares<T>{x, partial, n});
  for_each_row(stream, 1, static_cast<int>(blocks), Total<T>{partial, y});
}

template void square_sum(Stream, int64_t, const float*, float*, float*);
template void square_sum(Stream, int64_t, const double*, double*, double*);

}  // namespace temper
