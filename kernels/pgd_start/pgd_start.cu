#include "kernels/pgd_start/pgd_start.h"

#include <cmath>

#include "kernels/runtime/row.h"

namespace temper {

namespace {

struct Four {
  float x[4];
};

HD Four uniforms(const Philox4& w) {
  Four out;
  for (int k = 0; k < 4; ++k) out.x[k] = 2 * uniform01(w.x[k]) - 1;  // exact
  return out;
}

HD Four normals(const Philox4& w) {
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

  HD Four quadruple(const RngKey& now, uint32_t id, int i) const {
    const Philox4 w = random_words(now, id, i);
    return noise == Noise::uniform ? uniforms(w) : normals(w);
  }
  HD int count(int i) const { return cols - 4 * i < 4 ? cols - 4 * i : 4; }

  HD void operator()(const Row& row) const {
    const RngKey now = key.now();
    const uint32_t id = ids[row.index];
    const int64_t first = row.index * cols;
    T factor = scale;
    if (noise == Noise::l2_direction) {
      const T squares = row.sum([&](int i) {
        const Four v = quadruple(now, id, i);
        T sum = 0;
        for (int k = 0; k < count(i); ++k) sum += T(v.x[k]) * T(v.x[k]);
        return sum;
      });
      factor *= T(uniform01(random_words(now, id, row.size).x[0])) / std::sqrt(squares);
    }
    const bool whole = cols % 4 == 0 && detail::aligned<4>(x, clean);
    row.each([&](int i) {
      const Four v = quadruple(now, id, i);
      const int64_t at = first + 4 * i;
      const auto start = [&](T clean, int k) {
        const T value = clean + factor * T(v.x[k]);
        return value < lo ? lo : value > hi ? hi : value;
      };
      if (whole) {
        auto four = detail::load_pack<4>(clean + at);
        for (int k = 0; k < 4; ++k) four.v[k] = start(four.v[k], k);
        detail::store_pack<4>(x + at, four);
      } else {
        for (int k = 0; k < count(i); ++k) x[at + k] = start(clean[at + k], k);
      }
    });
  }
};

}  // namespace

template <class T>
void pgd_start(Stream stream, int64_t rows, int cols, T* x, const T* clean, const int32_t* ids, const NoiseStart& s) {
  const KernelRange range(stream, "pgd_start", {rows, cols});
  for_each_row(stream, rows, (cols + 3) / 4,
               Start<T>{x, clean, ids, cols, s.noise, s.key, T(s.scale), T(s.lo), T(s.hi)});
}

template void pgd_start<float>(Stream, int64_t, int, float*, const float*, const int32_t*, const NoiseStart&);
template void pgd_start<double>(Stream, int64_t, int, double*, const double*, const int32_t*, const NoiseStart&);

}  // namespace temper
