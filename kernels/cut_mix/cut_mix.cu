#include "kernels/cut_mix/cut_mix.h"

#include <cmath>

#include "kernels/runtime/row.h"

namespace temper {

namespace {

TEMPER_HD int below(uint32_t word, int count) {
  return static_cast<int>((uint64_t{word} * static_cast<uint32_t>(count)) >> 32);
}

/// Pixels [from, to) of one extent.
struct Span {
  int from, to;
};

TEMPER_HD Span span(int centre, int side, int size) {
  const int from = centre - side / 2, to = centre + side / 2;
  return {from > 0 ? from : 0, to < size ? to : size};
}

/// A row of pixels of one image.
template <class T>
struct MixRow {
  CutMix o;
  int64_t n;
  T *y, *share;
  int32_t* other;
  const T* x;
  const int32_t *labels, *ids;

  TEMPER_HD void operator()(const Row& row) const {
    const int64_t i = row.index / o.h;
    const int r = static_cast<int>(row.index % o.h);
    const auto id = static_cast<uint32_t>(ids[i]);
    const Philox4 words = random_words(o.key, id, 0);
    const bool mixed = n > 1 && uniform01(words.x[0]) < o.probability;
    const float side = mixed ? std::sqrt(1.f - uniform01(words.x[1])) : 0.f;
    const Span rows = span(below(words.x[2], o.h), static_cast<int>(static_cast<float>(o.h) * side), o.h);
    const Span columns = span(below(words.x[3], o.w), static_cast<int>(static_cast<float>(o.w) * side), o.w);
    int64_t j = i;
    if (mixed) {
      j = below(random_words(o.key, id, 1).x[0], static_cast<int>(n - 1));
      if (j >= i) ++j;
    }
    const bool crosses = r >= rows.from && r < rows.to;
    const int from = crosses ? columns.from * o.c : 0, to = crosses ? columns.to * o.c : 0;
    const T* partner = x + (j * o.h + r) * o.w * o.c;
    row.each([=](int k, T& out, T own) { out = k >= from && k < to ? partner[k] : own; }, write(y + row.at(0)),
             x + row.at(0));
    if (r > 0) return;
    row.once([&] {
      const int pixels = (rows.to - rows.from) * (columns.to - columns.from);
      share[i] = T(pixels) / T(o.h * o.w);
      other[i] = labels[j];
    });
  }
};

}  // namespace

template <class T>
void cut_mix(Stream stream, int64_t n, const CutMix& options, T* y, int32_t* other, T* share, const T* x,
             const int32_t* labels, const int32_t* ids) {
  const KernelRange range(stream, "cut_mix", {n});
  for_each_row(stream, n * options.h, options.w * options.c, MixRow<T>{options, n, y, share, other, x, labels, ids});
}

template void cut_mix<float>(Stream, int64_t, const CutMix&, float*, int32_t*, float*, const float*, const int32_t*,
                             const int32_t*);
template void cut_mix<double>(Stream, int64_t, const CutMix&, double*, int32_t*, double*, const double*, const int32_t*,
                              const int32_t*);

}  // namespace temper
