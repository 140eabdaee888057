#include "kernels/keep_better/keep_better.h"

#include "kernels/runtime/row.h"

namespace temper {

namespace {

template <class T>
struct KeepBetter {
  T *best, *best_score;
  const T *candidate, *score;
  TEMPER_HD void operator()(const Row& row) const {
    // A collective, so that every thread has read best_score before one of them writes it.
    const bool better = row.max([&](int) { return score[row.index] >= best_score[row.index] ? 1 : 0; });
    if (!better) return;
    row.each([](int, T& b, T c) { b = c; }, write(best + row.at(0)), candidate + row.at(0));
    row.once([&] { best_score[row.index] = score[row.index]; });
  }
};

}  // namespace

template <class T>
void keep_better(Stream stream, int64_t rows, int cols, T* best, T* best_score, const T* candidate, const T* score) {
  const KernelRange range(stream, "keep_better", {rows, cols});
  for_each_row(stream, rows, cols, KeepBetter<T>{best, best_score, candidate, score});
}

template void keep_better<float>(Stream, int64_t, int, float*, float*, const float*, const float*);
template void keep_better<double>(Stream, int64_t, int, double*, double*, const double*, const double*);

}  // namespace temper
