#include "kernels/pgd_start/pgd_start.h"

#include <cmath>

#include "kernels/runtime/row.h"

namespace temper {

namespace {

struct Four {
  float x[4];
};

TEMPER_HD Four uniforms(const Philox4& w) {
  Four out;
  for (int k = 0; k < 4; ++k) out.x[k] = 2 * uniform01(w.x[k]) - 1;  // exact
  return out;
}

TEMPER_HD Four normals(const Philox4& w) {
  const NormalPair a = normal_pair(w.x[0], w.x[1]), b = normal_pair(w.x[2], w.x[3]);
  return {{a.x[0], a.x[1], b.x[0], b.x[1]}};
}

/// A row here is a sample's quadruples of elements: what one call of the generator serves.
template <class T>
struct Start {
  T* x;
  const T* clean;
  const int32_t* ids;
  int cols;
  Noise noise;
  RngKey key;
  T scale, lo, hi;
  const T* scales;

  TEMPER_HD int count(int i) const { return cols - 4 * i < 4 ? cols - 4 * i : 4; }

  TEMPER_HD void operator()(const Row& row) const {
    const RngKey now = key.now();
    const uint32_t id = ids[row.index];
    T factor = scales ? scales[row.index] : scale;
    if (noise == Noise::l2_direction) {
      const T squares = row.sum([&](int i) {
        const Four v = normals(random_words(now, id, i));
        T sum = 0;
        for (int k = 0; k < count(i); ++k) sum += T(v.x[k]) * T(v.x[k]);
        return sum;
      });
      factor *= T(uniform01(random_words(now, id, row.size).x[0])) / std::sqrt(squares);
    }
    if (noise == Noise::uniform)  // separate loops, which the CPU vectorises
      write(row, factor, [&](int i) { return uniforms(random_words(now, id, i)); });
    else
      write(row, factor, [&](int i) { return normals(random_words(now, id, i)); });
  }

  /// x = clean + factor * draw(i), within the limits.
  template <class Draw>
  TEMPER_HD void write(const Row& row, T factor, Draw draw) const {
    const int64_t first = row.index * cols;
    const bool whole = cols % 4 == 0 && detail::aligned<4>(x, clean);
    row.each_run<1>([&](auto run) {
      const int i = run.column, n = run.size;
      float drawn[4][run.kMost];
      for (int j = 0; j < n; ++j) {
        const Four v = draw(i + j);
        for (int k = 0; k < 4; ++k) drawn[k][j] = v.x[k];
      }
      for (int j = 0; j < n; ++j) {
        const int64_t at = first + 4 * (i + j);
        const auto start = [&](T clean, int k) {
          const T value = clean + factor * T(drawn[k][j]);
          const T above = value < lo ? lo : value;  // one after the other: no branches
          return above > hi ? hi : above;
        };
        if (whole) {
          auto four = detail::load_pack<4>(clean + at);
          for (int k = 0; k < 4; ++k) four.v[k] = start(four.v[k], k);
          detail::store_pack<4>(x + at, four);
        } else {
          for (int k = 0; k < count(i + j); ++k) x[at + k] = start(clean[at + k], k);
        }
      }
    });
  }
};

}  // namespace

template <class T>
void pgd_start(Stream stream, int64_t rows, int cols, T* x, const T* clean, const int32_t* ids, const NoiseStart& s,
               const T* scales) {
  const KernelRange range(stream, "pgd_start", {rows, cols});
  for_each_row(stream, rows, (cols + 3) / 4,
               Start<T>{x, clean, ids, cols, s.noise, s.key, T(s.scale), T(s.lo), T(s.hi), scales});
}

template void pgd_start<float>(Stream, int64_t, int, float*, const float*, const int32_t*, const NoiseStart&,
                               const float*);
template void pgd_start<double>(Stream, int64_t, int, double*, const double*, const int32_t*, const NoiseStart&,
                                const double*);

}  // namespace temper
