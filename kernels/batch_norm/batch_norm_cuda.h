#pragma once
// The CUDA half of batch_norm.h: the same contracts.
#include "kernels/batch_norm/batch_norm.h"

namespace temper::cuda {

template <class T, class S>
void batch_norm_statistics(Stream stream, int64_t rows, int channels, S* mean, S* invstd, S* workspace, const T* x,
                           double eps, BatchNormRunning<S> running);
template <class S>
void batch_norm_statistics_of(Stream stream, int64_t rows, int channels, S* mean, S* invstd, const S* sum,
                              const S* squares, double eps, BatchNormRunning<S> running);
template <class S>
void batch_norm_invstd(Stream stream, int channels, S* invstd, const S* var, double eps);
template <class T, class S>
void batch_norm_apply(Stream stream, int64_t rows, int channels, T* y, const T* x, const T* residual,
                      BatchNormAffine<S> affine, BatchNormRelu relu);
template <class T, class S>
void batch_norm_backward_sums(Stream stream, int64_t rows, int channels, S* dgamma, S* dbeta, S* workspace, T* dy,
                              const T* x, const T* y, BatchNormAffine<S> affine, BatchNormMask mask);
template <class T, class S>
void batch_norm_backward_batch(Stream stream, int64_t rows, int channels, float sink, T* dx, const T* dy, const T* x,
                               const S* dgamma, const S* dbeta, BatchNormAffine<S> affine, BatchNormMask mask);
template <class T, class S>
void batch_norm_backward_running(Stream stream, int64_t rows, int channels, float sink, T* dx, const T* dy, const T* y,
                                 const S* invstd, const S* gamma);

}  // namespace temper::cuda
