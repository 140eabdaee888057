#include "kernels/batch_norm/batch_norm.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>
#include <vector>

#include "kernels/batch_norm/batch_norm_body.h"
#if defined(TEMPER_CUDA)
#include "kernels/batch_norm/batch_norm_cuda.h"
#endif
#include "kernels/runtime/map.h"
#include "kernels/runtime/pair.h"

namespace temper {

using namespace batch_norm_body;

namespace {

// Narrow rows are taken several at a time, so that the loops over one strip stay long enough for vector instructions.
int strip_width(int channels) { return channels * std::max(1, 128 / channels); }

/// Calls f(i, n) for every strip of elements i .. i+n-1 of every chunk; chunks run in parallel.
template <class F>
void for_each_strip(Stream stream, int64_t rows, int channels, F f) {
  const Chunks chunks(rows, channels);
  const int64_t width = strip_width(channels);
  each_item(team_for(stream, rows * channels), chunks.count, [&](int64_t k, int) {
    const int64_t from = k * chunks.size * channels, end = from + chunks.rows_of(k) * channels;
    for (int64_t i = from; i < end; i += width) f(i, std::min(width, end - i));
  });
}

/// into = v. Out of line of a simd loop, where a temporary bfloat16 would become an array and stop the vectoriser.
template <class T, class S>
TEMPER_HD void put(T& into, S v) {
  into = T(v);
}

/// v(c) for every column of a strip.
template <class S, class V>
std::vector<S> spread(int channels, V v) {
  std::vector<S> out(strip_width(channels));
  for (size_t j = 0; j < out.size(); ++j) out[j] = v(static_cast<int>(j % channels));
  return out;
}

/// out[c] = factor(c) * sum of the columns of a strip that belong to channel c.
template <class S, class V>
void fold(int channels, const std::vector<S>& strip, S* out, V factor) {
  std::fill(out, out + channels, S(0));
  for (size_t j = 0; j < strip.size(); j += channels)
    for (int c = 0; c < channels; ++c) out[c] += strip[j + c];
  for (int c = 0; c < channels; ++c) out[c] *= factor(c);
}

/// Columns of a strip that are summed at once: so few that their sums stay in registers.
constexpr int64_t kHeld = 64;

/// Calls body(j, n, each) for n columns from j on of a chunk of `size` elements, at most kHeld of them; each(f) calls
/// f(i, n) for every strip, where i is the element in column j and n how many of the columns the strip has.
template <class Body>
void each_held(int64_t size, int64_t width, Body body) {
  const int64_t whole = size / width * width;
  for (int64_t j = 0; j < width; j += kHeld) {
    const int64_t columns = std::min(kHeld, width - j), left = std::min(columns, size - whole - j);
    body(j, columns, [&](auto f) {
      if (columns == kHeld)
        for (int64_t i = j; i < whole; i += width) f(i, kHeld);
      else
        for (int64_t i = j; i < whole; i += width) f(i, columns);
      if (left > 0) f(whole + j, left);
    });
  }
}

/// sums[j] = the sum of term(i, j) over the elements i of column j.
template <class S, class Term>
void sum_columns(int64_t n, std::vector<S>& sums, Term term) {
  each_held(n, static_cast<int64_t>(sums.size()), [&](int64_t first, int64_t columns, auto each) {
    S sum[kHeld] = {};
    each([&](int64_t i, int64_t count) {
#pragma omp simd
      for (int64_t j = 0; j < count; ++j) sum[j] += term(i + j, first + j);
    });
    std::copy(sum, sum + columns, sums.begin() + first);
  });
}

/// Mean and sum of squared deviations of one chunk's channels.
template <class T, class S>
void chunk_moments(int64_t n, int channels, const T* x, S* mean, S* m2) {
  std::vector<S> sum(strip_width(channels));
  sum_columns(n, sum, [&](int64_t i, int64_t) { return S(x[i]); });
  fold(channels, sum, mean, [&](int) { return S(channels) / S(n); });
  const std::vector<S> center = spread<S>(channels, [&](int c) { return mean[c]; });
  const S* const around = center.data();
  sum_columns(n, sum, [&](int64_t i, int64_t j) {
    const S d = S(x[i]) - around[j];
    return d * d;
  });
  fold(channels, sum, m2, [](int) { return S(1); });
}

template <class T, class S>
void cpu_statistics(Stream stream, int64_t rows, int channels, S* mean, S* invstd, S* workspace, const T* x, double eps,
                    BatchNormRunning<S> running) {
  const Chunks chunks(rows, channels);
  each_item(team_for(stream, rows * channels), chunks.count, [&](int64_t k, int) {
    S* part = workspace + 2 * k * channels;
    chunk_moments(chunks.rows_of(k) * channels, channels, x + k * chunks.size * channels, part, part + channels);
  });
  in_pieces(stream, channels, 2 * chunks.count, [&](int64_t from, int64_t to) {
    for (int c = static_cast<int>(from); c < to; ++c) {
      const S* part = workspace + c;
      double sums[2] = {};
      for (int64_t k = 0; k < chunks.count; ++k, part += 2 * channels)
        merge(double(chunks.rows_of(k)), double(part[0]) - double(workspace[c]), double(part[channels]), sums);
      finish(c, rows, double(workspace[c]), sums, mean, invstd, eps, running);
    }
  });
}

template <BatchNormMask mask, class T, class S>
void chunk_sums(int64_t n, int channels, T* dy, const T* x, const T* y, const std::vector<S>& mean,
                const std::vector<S>& scale, const std::vector<S>& beta, S* dgamma, S* dbeta) {
  const int64_t width = strip_width(channels);
  std::vector<S> sums(width), products(width);
  const S *const means = mean.data(), *const scales = scale.data(), *const betas = beta.data();
  each_held(n, width, [&](int64_t first, int64_t columns, auto each) {
    S sum[kHeld] = {}, product[kHeld] = {};
    each([&](int64_t strip, int64_t count) {
      // A masked load waits for its mask, and so for x, before it asks for memory.
      for (int64_t k = 0; k < count; k += 64 / sizeof(T)) __builtin_prefetch(dy + strip + 8 * width + k);
#pragma omp simd
      for (int64_t k = 0; k < count; ++k) {
        const int64_t i = strip + k, j = first + k;
        const S v = S(x[i]);
        S dz = S(dy[i]);
        if constexpr (mask == BatchNormMask::from_x) dz = affine(v, means[j], scales[j], betas[j]) > 0 ? dz : S(0);
        if constexpr (mask == BatchNormMask::from_y) {
          dz = S(y[i]) > 0 ? dz : S(0);
          put(dy[i], dz);
        }
        sum[k] += dz;
        product[k] += dz * (v - means[j]);
      }
    });
    std::copy(sum, sum + columns, sums.begin() + first);
    std::copy(product, product + columns, products.begin() + first);
  });
  fold(channels, products, dgamma, [](int) { return S(1); });
  fold(channels, sums, dbeta, [](int) { return S(1); });
}

template <BatchNormMask mask, class T, class S>
void cpu_backward_sums(Stream stream, int64_t rows, int channels, S* dgamma, S* dbeta, S* workspace, T* dy, const T* x,
                       const T* y, BatchNormAffine<S> a) {
  const Chunks chunks(rows, channels);
  const auto mean = spread<S>(channels, [&](int c) { return a.mean[c]; });
  const auto scale = spread<S>(channels, [&](int c) { return a.invstd[c] * a.gamma[c]; });
  const auto beta = spread<S>(channels, [&](int c) { return a.beta[c]; });
  each_item(team_for(stream, rows * channels), chunks.count, [&](int64_t k, int) {
    const int64_t at = k * chunks.size * channels, n = chunks.rows_of(k) * channels;
    S* part = workspace + 2 * k * channels;
    chunk_sums<mask>(n, channels, dy + at, x + at, y + at, mean, scale, beta, part, part + channels);
  });
  in_pieces(stream, channels, 2 * chunks.count, [&](int64_t from, int64_t to) {
    for (int64_t c = from; c < to; ++c) {
      double product = 0, sum = 0;
      for (int64_t k = 0; k < chunks.count; ++k) {
        product += workspace[2 * k * channels + c];
        sum += workspace[(2 * k + 1) * channels + c];
      }
      dgamma[c] = S(product * a.invstd[c]);
      dbeta[c] = S(sum);
    }
  });
}

template <class T, class S>
void cpu_apply(Stream stream, int64_t rows, int channels, T* y, const T* x, const T* residual, BatchNormAffine<S> a,
               S lowest) {
  const auto mean = spread<S>(channels, [&](int c) { return a.mean[c]; });
  const auto scale = spread<S>(channels, [&](int c) { return a.invstd[c] * a.gamma[c]; });
  const auto beta = spread<S>(channels, [&](int c) { return a.beta[c]; });
  const auto run = [&](auto add) {
    for_each_strip(stream, rows, channels, [&](int64_t i, int64_t n) {
#pragma omp simd
      for (int64_t j = 0; j < n; ++j) {
        S t = affine(S(x[i + j]), mean[j], scale[j], beta[j]);
        if constexpr (add()) t += S(residual[i + j]);
        put(y[i + j], t < lowest ? lowest : t);
      }
    });
  };
  residual ? run(std::true_type{}) : run(std::false_type{});
}

template <bool masked, class T, class S>
void cpu_backward_batch(Stream stream, int64_t rows, int channels, S sink, T* dx, const T* dy, const T* x,
                        const S* dgamma, const S* dbeta, BatchNormAffine<S> a) {
  const auto mean = spread<S>(channels, [&](int c) { return a.mean[c]; });
  const auto scale = spread<S>(channels, [&](int c) { return a.invstd[c] * a.gamma[c]; });
  const auto beta = spread<S>(channels, [&](int c) { return a.beta[c]; });
  const S share = S(1) / S(rows);
  const auto shift = spread<S>(channels, [&](int c) { return dbeta[c] * share; });
  const auto slope = spread<S>(channels, [&](int c) { return a.invstd[c] * dgamma[c] * share; });
  const auto run = [&](auto add) {
    for_each_strip(stream, rows, channels, [&](int64_t i, int64_t n) {
#pragma omp simd
      for (int64_t j = 0; j < n; ++j) {
        const S v = S(x[i + j]);
        S dz = S(dy[i + j]);
        if constexpr (masked) dz = affine(v, mean[j], scale[j], beta[j]) > 0 ? dz : S(0);
        S g = input_gradient(dz, v, mean[j], scale[j], shift[j], slope[j]);
        if constexpr (add()) g += sink * S(dx[i + j]);
        put(dx[i + j], g);
      }
    });
  };
  sink == 0 ? run(std::false_type{}) : run(std::true_type{});
}

template <bool masked, class T, class S>
void cpu_backward_running(Stream stream, int64_t rows, int channels, S sink, T* dx, const T* dy, const T* y,
                          const S* invstd, const S* gamma) {
  const auto scale = spread<S>(channels, [&](int c) { return invstd[c] * gamma[c]; });
  for_each_strip(stream, rows, channels, [&](int64_t i, int64_t n) {
#pragma omp simd
    for (int64_t j = 0; j < n; ++j) {
      S z = S(dy[i + j]);
      if constexpr (masked) z = S(y[i + j]) > 0 ? z : S(0);
      const S old = sink == 0 ? S(0) : sink * S(dx[i + j]);
      put(dx[i + j], scale[j] * z + old);
    }
  });
}

}  // namespace

int64_t batch_norm_workspace(int64_t rows, int channels) { return 2 * Chunks(rows, channels).count * channels; }

template <class T, class S>
void batch_norm_statistics(Stream stream, int64_t rows, int channels, S* mean, S* invstd, S* workspace, const T* x,
                           double eps, BatchNormRunning<S> running) {
  const KernelRange range(stream, "batch_norm_statistics", {rows, channels});
  TEMPER_CUDA_HALF(batch_norm_statistics, stream, rows, channels, mean, invstd, workspace, x, eps, running);
  cpu_statistics(stream, rows, channels, mean, invstd, workspace, x, eps, running);
}

template <class S>
void batch_norm_statistics_of(Stream stream, int64_t rows, int channels, S* mean, S* invstd, const S* sum,
                              const S* squares, double eps, BatchNormRunning<S> running) {
  const KernelRange range(stream, "batch_norm_statistics_of", {rows, channels});
  TEMPER_CUDA_HALF(batch_norm_statistics_of, stream, rows, channels, mean, invstd, sum, squares, eps, running);
  map(stream, channels, StatisticsOf<S>{rows, mean, invstd, eps, running}, sum, squares);
}

template <class S>
void batch_norm_invstd(Stream stream, int channels, S* invstd, const S* var, double eps) {
  const KernelRange range(stream, "batch_norm_invstd", {channels});
  TEMPER_CUDA_HALF(batch_norm_invstd, stream, channels, invstd, var, eps);
  map(stream, channels, InvStd{eps}, write(invstd), var);
}

template <class T, class S>
void batch_norm_apply(Stream stream, int64_t rows, int channels, T* y, const T* x, const T* residual,
                      BatchNormAffine<S> affine, BatchNormRelu relu) {
  const KernelRange range(stream, "batch_norm_apply", {rows, channels});
  TEMPER_CUDA_HALF(batch_norm_apply, stream, rows, channels, y, x, residual, affine, relu);
  cpu_apply(stream, rows, channels, y, x, residual, affine, lowest_output<S>(relu));
}

template <class T, class S>
void batch_norm_backward_sums(Stream stream, int64_t rows, int channels, S* dgamma, S* dbeta, S* workspace, T* dy,
                              const T* x, const T* y, BatchNormAffine<S> affine, BatchNormMask mask) {
  const KernelRange range(stream, "batch_norm_backward_sums", {rows, channels});
  TEMPER_CUDA_HALF(batch_norm_backward_sums, stream, rows, channels, dgamma, dbeta, workspace, dy, x, y, affine, mask);
  with_mask(mask, [&](auto m) {
    cpu_backward_sums<m()>(stream, rows, channels, dgamma, dbeta, workspace, dy, x, y, affine);
  });
}

template <class T, class S>
void batch_norm_backward_batch(Stream stream, int64_t rows, int channels, float sink, T* dx, const T* dy, const T* x,
                               const S* dgamma, const S* dbeta, BatchNormAffine<S> affine, BatchNormMask mask) {
  const KernelRange range(stream, "batch_norm_backward_batch", {rows, channels});
  TEMPER_CUDA_HALF(batch_norm_backward_batch, stream, rows, channels, sink, dx, dy, x, dgamma, dbeta, affine, mask);
  if (mask == BatchNormMask::from_x)
    cpu_backward_batch<true>(stream, rows, channels, S(sink), dx, dy, x, dgamma, dbeta, affine);
  else
    cpu_backward_batch<false>(stream, rows, channels, S(sink), dx, dy, x, dgamma, dbeta, affine);
}

template <class T, class S>
void batch_norm_backward_running(Stream stream, int64_t rows, int channels, float sink, T* dx, const T* dy, const T* y,
                                 const S* invstd, const S* gamma) {
  const KernelRange range(stream, "batch_norm_backward_running", {rows, channels});
  TEMPER_CUDA_HALF(batch_norm_backward_running, stream, rows, channels, sink, dx, dy, y, invstd, gamma);
  if (y)
    cpu_backward_running<true>(stream, rows, channels, S(sink), dx, dy, y, invstd, gamma);
  else
    cpu_backward_running<false>(stream, rows, channels, S(sink), dx, dy, y, invstd, gamma);
}

#define TEMPER_INSTANTIATE(T, S)                                                                                      \
  template void batch_norm_statistics<T, S>(Stream, int64_t, int, S*, S*, S*, const T*, double, BatchNormRunning<S>); \
  template void batch_norm_apply<T, S>(Stream, int64_t, int, T*, const T*, const T*, BatchNormAffine<S>,              \
                                       BatchNormRelu);                                                                \
  template void batch_norm_backward_sums<T, S>(Stream, int64_t, int, S*, S*, S*, T*, const T*, const T*,              \
                                               BatchNormAffine<S>, BatchNormMask);                                    \
  template void batch_norm_backward_batch<T, S>(Stream, int64_t, int, float, T*, const T*, const T*, const S*,        \
                                                const S*, BatchNormAffine<S>, BatchNormMask);                         \
  template void batch_norm_backward_running<T, S>(Stream, int64_t, int, float, T*, const T*, const T*, const S*,      \
                                                  const S*);
TEMPER_INSTANTIATE(float, float)
TEMPER_INSTANTIATE(double, double)
TEMPER_INSTANTIATE(bfloat16, float)
TEMPER_INSTANTIATE(float16, float)
template void batch_norm_statistics_of<float>(Stream, int64_t, int, float*, float*, const float*, const float*, double,
                                              BatchNormRunning<float>);
template void batch_norm_statistics_of<double>(Stream, int64_t, int, double*, double*, const double*, const double*,
                                               double, BatchNormRunning<double>);
template void batch_norm_invstd<float>(Stream, int, float*, const float*, double);
template void batch_norm_invstd<double>(Stream, int, double*, const double*, double);

}  // namespace temper
