#include "kernels/pgd_step/pgd_step.h"

#include <cmath>

#include "kernels/runtime/held_row.h"

namespace temper {

namespace {

template <class T>
TEMPER_HD T clamp(T v, T lo, T hi) {
  const T above = v < lo ? lo : v;
  return above > hi ? hi : above;
}

/// A PgdStep in T, and what rows have in its place.
template <class T>
struct RowSteps {
  T radius, step, lo, hi;
  PgdRows<T> own;
  RowSteps(const PgdStep& p, const PgdRows<T>& own)
      : radius(T(p.radius)), step(T(p.step)), lo(T(p.lo)), hi(T(p.hi)), own(own) {}
  TEMPER_HD bool moves(int64_t row) const { return !own.active || own.active[row]; }
  TEMPER_HD T radius_of(int64_t row) const { return own.radius ? own.radius[row] : radius; }
  TEMPER_HD T step_of(int64_t row) const { return own.step ? own.step[row] : step; }
};

template <class T>
struct Linf {
  T radius, step, lo, hi;
  TEMPER_HD void operator()(int64_t, T& x, T grad, T clean) const {
    const T sign = T(grad > 0) - T(grad < 0);
    x = clamp(clamp(x + step * sign, clean - radius, clean + radius), lo, hi);
  }
};

template <class T>
struct LinfRows {
  T* x;
  const T *grad, *clean;
  RowSteps<T> p;
  TEMPER_HD void operator()(const Row& row) const {
    if (!p.moves(row.index)) return;
    const Linf<T> step{p.radius_of(row.index), p.step_of(row.index), p.lo, p.hi};
    row.each(step, x + row.at(0), grad + row.at(0), clean + row.at(0));
  }
};

/// The share of a difference that lies within the ball: 1 inside.
template <class T>
TEMPER_HD T share_in_ball(T squared_distance, T radius) {
  const T distance = std::sqrt(squared_distance);
  return distance > radius ? radius / distance : T(1);
}

template <class T>
struct L2 {
  T* x;
  const T *grad, *clean;
  RowSteps<T> p;
  template <class R>
  TEMPER_HD void operator()(const R& row) const {
    if (!p.moves(row.index)) return;
    const T radius = p.radius_of(row.index), step = p.step_of(row.index), lo = p.lo, hi = p.hi;
    auto v = row.hold(x);
    const auto g = row.hold(grad), origin = row.hold(clean);
    const T length = std::sqrt(row.sum([](int, T g) { return g * g; }, g)) + T(1e-10);
    row.each([&](int, T& v, T g) { v += step * (g / length); }, v, g);
    const T squares = row.sum([](int, T v, T origin) { return (v - origin) * (v - origin); }, v, origin);
    const T shrink = share_in_ball(squares, radius);
    row.each([&](int, T& v, T origin) { v = clamp(origin + (v - origin) * shrink, lo, hi); }, v, origin);
    row.put(x, v);
  }
};

template <class T>
struct L2BoxFirst {
  T* x;
  const T *grad, *clean;
  const int32_t* ids;
  RngKey key;
  RowSteps<T> p;
  TEMPER_HD void operator()(const Row& row) const {
    if (!p.moves(row.index)) return;
    const T radius = p.radius_of(row.index), step = p.step_of(row.index), lo = p.lo, hi = p.hi;
    const int64_t first = row.at(0);
    T* const v = x + first;
    const T *const g = grad + first, *const origin = clean + first;
    const T length = std::sqrt(row.sum([](int, T g) { return g * g; }, g));
    if (length > 0) {
      row.each([&](int, T& v, T g) { v = clamp(v + step * (g / length), lo, hi); }, v, g);
    } else {
      const RngKey now = key.now();
      const uint32_t id = static_cast<uint32_t>(ids[row.index]);
      row.each([&](int c) { v[c] = clamp(v[c] + step * T(random_normal(now, id, static_cast<uint32_t>(c))), lo, hi); });
      row.sync();
    }
    const T squares =
        row.sum([](int, T v, T origin) { return (v - origin) * (v - origin); }, static_cast<const T*>(v), origin);
    const T shrink = share_in_ball(squares, radius);
    row.each([&](int, T& v, T origin) { v = origin + (v - origin) * shrink; }, v, origin);
  }
};

template <class T>
struct Accumulate {
  T* m;
  const T* grad;
  T decay;
  template <class R>
  TEMPER_HD void operator()(const R& row) const {
    const auto g = row.hold(grad);
    const T mean = row.sum([](int, T g) { return std::abs(g); }, g) / T(row.size);
    if (mean == T(0)) return;
    auto v = row.hold(m);
    row.each([&](int, T& v, T g) { v = decay * v + g / mean; }, v, g);
    row.put(m, v);
  }
};

}  // namespace

template <class T>
void pgd_step_linf(Stream stream, int64_t n, T* x, const T* grad, const T* clean, PgdStep p) {
  const KernelRange range(stream, "pgd_step_linf", {n});
  map(stream, n, Linf<T>{T(p.radius), T(p.step), T(p.lo), T(p.hi)}, x, grad, clean);
}

template <class T>
void pgd_step_linf(Stream stream, int64_t rows, int cols, T* x, const T* grad, const T* clean, PgdStep p,
                   const PgdRows<T>& own) {
  const KernelRange range(stream, "pgd_step_linf_rows", {rows, cols});
  for_each_row(stream, rows, cols, LinfRows<T>{x, grad, clean, {p, own}});
}

template <class T>
void pgd_step_l2(Stream stream, int64_t rows, int cols, T* x, const T* grad, const T* clean, PgdStep p,
                 const PgdRows<T>& own) {
  const KernelRange range(stream, "pgd_step_l2", {rows, cols});
  for_each_held_row<T>(stream, rows, cols, L2<T>{x, grad, clean, {p, own}});
}

template <class T>
void pgd_step_l2_box_first(Stream stream, int64_t rows, int cols, T* x, const T* grad, const T* clean,
                           const int32_t* ids, RngKey key, PgdStep p, const PgdRows<T>& own) {
  const KernelRange range(stream, "pgd_step_l2_box_first", {rows, cols});
  for_each_row(stream, rows, cols, L2BoxFirst<T>{x, grad, clean, ids, key, {p, own}});
}

template <class T>
void accumulate_momentum(Stream stream, int64_t rows, int cols, T* m, const T* grad, double decay) {
  const KernelRange range(stream, "accumulate_momentum", {rows, cols});
  for_each_held_row<T>(stream, rows, cols, Accumulate<T>{m, grad, T(decay)});
}

#define TEMPER_INSTANTIATE(T)                                                                                  \
  template void pgd_step_linf<T>(Stream, int64_t, T*, const T*, const T*, PgdStep);                            \
  template void pgd_step_linf<T>(Stream, int64_t, int, T*, const T*, const T*, PgdStep, const PgdRows<T>&);    \
  template void pgd_step_l2<T>(Stream, int64_t, int, T*, const T*, const T*, PgdStep, const PgdRows<T>&);      \
  template void pgd_step_l2_box_first<T>(Stream, int64_t, int, T*, const T*, const T*, const int32_t*, RngKey, \
                                         PgdStep, const PgdRows<T>&);                                          \
  template void accumulate_momentum<T>(Stream, int64_t, int, T*, const T*, double);
TEMPER_INSTANTIATE(float)
TEMPER_INSTANTIATE(double)

}  // namespace temper
