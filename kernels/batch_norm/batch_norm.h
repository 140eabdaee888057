#pragma once
#include <cstdint>

#include "kernels/runtime/dtype.h"
#include "kernels/runtime/stream.h"

namespace TEMPER_API temper {

// Batch normalisation of x (rows, channels), dense, channels innermost; Ioffe & Szegedy 2015. Activations are T;
// parameters, statistics and sums are compute_t<T>. Every reduction is a tree fixed by the extents alone: equal bits
// for any number of threads. `workspace` holds batch_norm_workspace() elements of compute_t<T> and is scratch.

int64_t batch_norm_workspace(int64_t rows, int channels);

/// Moving averages, (channels) each: running <- (1 - momentum) * running + momentum * batch, the variance with n/(n-1)
/// (n for a single row). mean == nullptr: left alone.
template <class S>
struct BatchNormRunning {
  S* mean = nullptr;
  S* var = nullptr;
  double momentum = 0.1;
};

/// mean = E[x], invstd = 1 / sqrt(E[(x - mean)^2] + eps), and the update of the running statistics. Two-pass within a
/// chunk, chunks merged in double: no cancellation however far the mean is from 0. rows > 0. Reads x once from memory.
template <class T, class S = compute_t<T>>
void batch_norm_statistics(Stream stream, int64_t rows, int channels, S* mean, S* invstd, S* workspace, const T* x,
                           double eps, BatchNormRunning<S> running);

/// The same from the sums of x and of x^2 over the rows: mean = sum / rows, variance = squares / rows - mean^2, never
/// below 0. For sums computed by the producer of x; loses as many digits as mean^2 / variance has before the point.
template <class S>
void batch_norm_statistics_of(Stream stream, int64_t rows, int channels, S* mean, S* invstd, const S* sum,
                              const S* squares, double eps, BatchNormRunning<S> running);

/// invstd = 1 / sqrt(var + eps).
template <class S>
void batch_norm_invstd(Stream stream, int channels, S* invstd, const S* var, double eps);

/// Statistics and affine parameters, (channels) each.
template <class S>
struct BatchNormAffine {
  const S* mean;
  const S* invstd;
  const S* gamma;
  const S* beta;
};

enum class BatchNormRelu : uint8_t { no, yes };

/// y = [relu]((x - mean) * invstd * gamma + beta [+ residual]). residual may be null; y may be x or residual. NaN
/// stays.
template <class T, class S = compute_t<T>>
void batch_norm_apply(Stream stream, int64_t rows, int channels, T* y, const T* x, const T* residual,
                      BatchNormAffine<S> affine, BatchNormRelu relu);

/// Where the mask y > 0 of a fused ReLU comes from in the gradient. from_x recomputes y (only without a residual) and
/// so saves reading it; from_y also writes dy <- dy * mask, the gradient of the residual.
enum class BatchNormMask : uint8_t { none, from_x, from_y };

/// dgamma = sum over rows of dz * (x - mean) * invstd, dbeta = sum of dz, with dz = dy * mask. y is read for from_y
/// only.
template <class T, class S = compute_t<T>>
void batch_norm_backward_sums(Stream stream, int64_t rows, int channels, S* dgamma, S* dbeta, S* workspace, T* dy,
                              const T* x, const T* y, BatchNormAffine<S> affine, BatchNormMask mask);

/// Batch statistics: dx = sink * dx + gamma * invstd * (dz - dbeta / rows - (x - mean) * invstd * dgamma / rows), after
/// batch_norm_backward_sums; mask none or from_x. dx may be dy. With sink = 0 the old dx is not read.
template <class T, class S = compute_t<T>>
void batch_norm_backward_batch(Stream stream, int64_t rows, int channels, float sink, T* dx, const T* dy, const T* x,
                               const S* dgamma, const S* dbeta, BatchNormAffine<S> affine, BatchNormMask mask);

/// Running statistics: dx = sink * dx + gamma * invstd * dz, with dz = dy * (y > 0), or dy where y is null. dx may be
/// dy.
template <class T, class S = compute_t<T>>
void batch_norm_backward_running(Stream stream, int64_t rows, int channels, float sink, T* dx, const T* dy, const T* y,
                                 const S* invstd, const S* gamma);

}  // namespace temper
