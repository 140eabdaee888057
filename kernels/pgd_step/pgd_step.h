#pragma once
#include <cstdint>

#include "kernels/runtime/philox.h"
#include "kernels/runtime/stream.h"

namespace TEMPER_API temper {

struct PgdStep {
  double radius = 0;  ///< eps
  double step = 0;    ///< alpha
  double lo = 0, hi = 1;
};

/// Numbers of each row (sample) in place of those of a PgdStep; null: the PgdStep's. A row whose `active` is 0 stays as
/// it is.
template <class T>
struct PgdRows {
  const T *radius = nullptr, *step = nullptr;
  const int32_t* active = nullptr;
  explicit operator bool() const { return radius || step || active; }
};

/// One L-infinity PGD step, fused: ascend by the gradient's sign, project into the ball around `clean`, then into the
/// box.
///   x <- clamp(clamp(x + step * sign(grad), clean - radius, clean + radius), lo, hi)
/// n elements; x is updated in place, the others are read only. sign(0) = sign(NaN) = 0. f32 and f64. Moves 4n
/// elements. Madry et al. 2018, eq. 2.
template <class T>
void pgd_step_linf(Stream stream, int64_t n, T* x, const T* grad, const T* clean, PgdStep p);

/// The same for each row of (rows, cols), with its own numbers.
template <class T>
void pgd_step_linf(Stream stream, int64_t rows, int cols, T* x, const T* grad, const T* clean, PgdStep p,
                   const PgdRows<T>& own);

/// One L2 PGD step for each row (sample) of (rows, cols):
///   x <- x + step * grad / (|grad| + 1e-10);  d = x - clean;  x <- clamp(clean + d * min(1, radius / |d|), lo, hi)
/// Feasible, though not the exact projection on ball and box together: what every reference implementation does.
/// x is updated in place. Deterministic. f32 and f64. Rice et al. 2020 (code).
template <class T>
void pgd_step_l2(Stream stream, int64_t rows, int cols, T* x, const T* grad, const T* clean, PgdStep p,
                 const PgdRows<T>& own = {});

/// TRADES' own L2 step for each row of (rows, cols), the box before the ball:
///   x <- clamp(x + step * grad / |grad|, lo, hi);  d = x - clean;  x <- clean + d * min(1, radius / |d|)
/// A row whose gradient is exactly zero moves by step * N(0, 1) per element instead, drawn by (key, ids[row], element).
/// ids (rows). x is updated in place. Deterministic. f32 and f64. Zhang et al. 2019 (code).
template <class T>
void pgd_step_l2_box_first(Stream stream, int64_t rows, int cols, T* x, const T* grad, const T* clean,
                           const int32_t* ids, RngKey key, PgdStep p, const PgdRows<T>& own = {});

/// MI-FGSM's accumulated gradient, per row: m <- decay * m + grad / mean|grad|; a row whose gradient is exactly zero
/// keeps its m. f32 and f64. Dong et al. 2018, eq. 6, with the mean of their code for the norm: a constant factor.
template <class T>
void accumulate_momentum(Stream stream, int64_t rows, int cols, T* m, const T* grad, double decay);

}  // namespace temper
