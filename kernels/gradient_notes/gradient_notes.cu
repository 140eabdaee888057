#include "kernels/gradient_notes/gradient_notes.h"

#include <cmath>

#include "kernels/runtime/row.h"

namespace temper {

namespace {

template <class T>
struct Note {
  int32_t* notes;
  const T *gradient, *values;
  TEMPER_HD void operator()(const Row& row) const {
    const int kind = row.max([](int, T v) { return v == T(0) ? 0 : v - v == T(0) ? 1 : 2; }, gradient + row.at(0));
    row.once([&] {
      const T value = values[row.index];
      const int32_t here = (kind == 0 ? kZeroGradient : 0) | (kind == 2 || !(value - value == T(0)) ? kNotFinite : 0);
      notes[row.index] |= here;
    });
  }
};

TEMPER_HD void add_to(int32_t* sum, int32_t n) {
#if defined(__CUDA_ARCH__)
  atomicAdd(sum, n);
#else
  __atomic_fetch_add(sum, n, __ATOMIC_RELAXED);
#endif
}

/// All notes as one row.
struct Tally {
  int32_t* tally;
  const int32_t* notes;
  TEMPER_HD void operator()(const Row& row) const {
    const auto count = [&](int32_t bit) {
      return row.sum([bit](int, int32_t note) { return note & bit ? 1 : 0; }, notes);
    };
    const int32_t zero = count(kZeroGradient), bad = count(kNotFinite);
    row.once([&] {
      add_to(tally, row.size);
      add_to(tally + 1, zero);
      add_to(tally + 2, bad);
    });
  }
};

template <class T>
struct Drain {
  T* sums;
  TEMPER_HD void operator()(int64_t i, int32_t& tally) const {
    sums[i] = i < 2 ? T(tally) : tally > 0 ? T(INFINITY) : T(0);
    tally = 0;
  }
};

}  // namespace

template <class T>
void note_gradients(Stream stream, int64_t rows, int cols, int32_t* notes, const T* gradient, const T* values) {
  const KernelRange range(stream, "note_gradients", {rows, cols});
  for_each_row(stream, rows, cols, Note<T>{notes, gradient, values});
}

void tally_notes(Stream stream, int64_t rows, int32_t* tally, const int32_t* notes) {
  const KernelRange range(stream, "tally_notes", {rows});
  if (rows > 0) for_each_row(stream, 1, static_cast<int>(rows), Tally{tally, notes});
}

template <class T>
void drain_tally(Stream stream, T* sums, int32_t* tally) {
  const KernelRange range(stream, "drain_tally", {3});
  map(stream, 3, Drain<T>{sums}, tally);
}

#define TEMPER_INSTANTIATE(T)                                                          \
  template void note_gradients<T>(Stream, int64_t, int, int32_t*, const T*, const T*); \
  template void drain_tally<T>(Stream, T*, int32_t*);
TEMPER_INSTANTIATE(float)
TEMPER_INSTANTIATE(double)

}  // namespace temper
