#include "kernels/pool/pool.h"

#include "kernels/pool/pool_body.h"
#include "kernels/runtime/row.h"

namespace temper {

namespace {

/// dx = sink * dx + gradient(j) for a run of a row.
template <class R, class T, class F>
TEMPER_HD void accumulate(const R& run, T* dx, float sink, F gradient) {
  using C = compute_t<T>;
  if (sink == 0) return run.store(dx, [&](int j) { return T(gradient(j)); });
  const auto old = run.load(dx);
  run.store(dx, [&](int j) { return T(C(sink) * C(old[j]) + gradient(j)); });
}

/// Part of a window, or of the windows over a pixel, that exists: [begin, end).
struct Range {
  int begin, end;
};
TEMPER_HD Range window(int at, int extent, const PoolShape& g) {
  const int from = at * g.stride - g.pad, to = from + g.size;
  return {from < 0 ? 0 : from, to > extent ? extent : to};
}
TEMPER_HD Range windows_over(int at, int extent, const PoolShape& g) {
  const int from = at + g.pad - g.size + g.stride, to = (at + g.pad) / g.stride + 1;
  return {from < 0 ? 0 : from / g.stride, to > extent ? extent : to};
}

/// f(offset of the pixel, place in the window) over the pixels of output pixel o's window, row by row.
template <class F>
TEMPER_HD void each_in_window(const PoolShape& g, const Pixel& o, F f) {
  const Range rows = window(o.h, int(g.h), g), cols = window(o.w, int(g.w), g);
  for (int h = rows.begin; h < rows.end; ++h)
    for (int w = cols.begin; w < cols.end; ++w)
      f(((o.n * g.h + h) * g.w + w) * g.c, (h - o.h * g.stride + g.pad) * g.size + w - o.w * g.stride + g.pad);
}

/// f(offset of the output pixel, place of `i` in its window) over all windows that pixel i lies in.
template <class F>
TEMPER_HD void each_window_over(const PoolShape& g, int64_t p, int64_t q, const Pixel& i, F f) {
  const Range rows = windows_over(i.h, int(p), g), cols = windows_over(i.w, int(q), g);
  for (int h = rows.begin; h < rows.end; ++h)
    for (int w = cols.begin; w < cols.end; ++w)
      f(((i.n * p + h) * q + w) * g.c, (i.h - h * g.stride + g.pad) * g.size + i.w - w * g.stride + g.pad);
}

template <class T>
struct MaxForward {
  PoolShape g;
  int64_t p, q;
  T* y;
  uint8_t* argmax;
  const T* x;
  TEMPER_HD void operator()(const Row& row) const {
    const Pixel o(row.index, p, q);
    const auto body = [&](auto run) {
      compute_t<T> best[run.kMost];
      int place[run.kMost];
      bool first = true;
      each_in_window(g, o, [&](int64_t offset, int k) {
        const auto pixel = run.load(x + offset);
        for (int j = 0; j < run.size; ++j) {
          const compute_t<T> v = pixel[j];
          const bool take = first || v > best[j] || v != v;
          best[j] = take ? v : best[j];
          place[j] = take ? k : place[j];
        }
        first = false;
      });
      run.store(y + row.at(0), [&](int j) { return T(best[j]); });
      run.store(argmax + row.at(0), [&](int j) { return static_cast<uint8_t>(place[j]); });
    };
    row.each_run<kRunOf<T>>(body, y, argmax, x);
  }
};

template <class T>
struct MaxBackward {
  PoolShape g;
  int64_t p, q;
  float sink;
  T* dx;
  const T* dy;
  const uint8_t* argmax;
  TEMPER_HD void operator()(const Row& row) const {
    const Pixel i(row.index, g.h, g.w);
    const auto body = [&](auto run) {
      compute_t<T> sum[run.kMost] = {};
      each_window_over(g, p, q, i, [&](int64_t offset, int k) {
        const auto pixel = run.load(dy + offset);
        const auto place = run.load(argmax + offset);
        for (int j = 0; j < run.size; ++j) {
          const compute_t<T> v = pixel[j];
          sum[j] += place[j] == k ? v : compute_t<T>(0);
        }
      });
      accumulate(run, dx + row.at(0), sink, [&](int j) { return sum[j]; });
    };
    row.each_run<kRunOf<T>>(body, dx, dy, argmax);
  }
};

template <class T>
struct AvgForward {
  PoolShape g;
  int64_t p, q;
  T* y;
  const T* x;
  TEMPER_HD void operator()(const Row& row) const {
    const Pixel o(row.index, p, q);
    const auto body = [&](auto run) {
      compute_t<T> sum[run.kMost] = {};
      each_in_window(g, o, [&](int64_t offset, int) {
        const auto pixel = run.load(x + offset);
        for (int j = 0; j < run.size; ++j) sum[j] += compute_t<T>(pixel[j]);
      });
      run.store(y + row.at(0), [&](int j) { return T(sum[j] / (g.size * g.size)); });
    };
    row.each_run<kRunOf<T>>(body, y, x);
  }
};

template <class T>
struct AvgBackward {
  PoolShape g;
  int64_t p, q;
  float sink;
  T* dx;
  const T* dy;
  TEMPER_HD void operator()(const Row& row) const {
    const Pixel i(row.index, g.h, g.w);
    const auto body = [&](auto run) {
      compute_t<T> sum[run.kMost] = {};
      each_window_over(g, p, q, i, [&](int64_t offset, int) {
        const auto pixel = run.load(dy + offset);
        for (int j = 0; j < run.size; ++j) sum[j] += compute_t<T>(pixel[j]);
      });
      accumulate(run, dx + row.at(0), sink, [&](int j) { return sum[j] / (g.size * g.size); });
    };
    row.each_run<kRunOf<T>>(body, dx, dy);
  }
};

}  // namespace

template <class T>
void max_pool_forward(Stream stream, const PoolShape& g, T* y, uint8_t* argmax, const T* x) {
  const KernelRange range(stream, "max_pool_forward", {g.n, g.h, g.w, g.c});
  for_each_row(stream, g.n * g.p() * g.q(), g.c, MaxForward<T>{g, g.p(), g.q(), y, argmax, x});
}
template <class T>
void max_pool_backward(Stream stream, const PoolShape& g, float sink, T* dx, const T* dy, const uint8_t* argmax) {
  const KernelRange range(stream, "max_pool_backward", {g.n, g.h, g.w, g.c});
  for_each_row(stream, g.n * g.h * g.w, g.c, MaxBackward<T>{g, g.p(), g.q(), sink, dx, dy, argmax});
}

template <class T>
void avg_pool_forward(Stream stream, const PoolShape& g, T* y, const T* x) {
  const KernelRange range(stream, "avg_pool_forward", {g.n, g.h, g.w, g.c});
  for_each_row(stream, g.n * g.p() * g.q(), g.c, AvgForward<T>{g, g.p(), g.q(), y, x});
}
template <class T>
void avg_pool_backward(Stream stream, const PoolShape& g, float sink, T* dx, const T* dy) {
  const KernelRange range(stream, "avg_pool_backward", {g.n, g.h, g.w, g.c});
  for_each_row(stream, g.n * g.h * g.w, g.c, AvgBackward<T>{g, g.p(), g.q(), sink, dx, dy});
}

#define TEMPER_INSTANTIATE(T)                                                                        \
  template void max_pool_forward<T>(Stream, const PoolShape&, T*, uint8_t*, const T*);               \
  template void max_pool_backward<T>(Stream, const PoolShape&, float, T*, const T*, const uint8_t*); \
  template void avg_pool_forward<T>(Stream, const PoolShape&, T*, const T*);                         \
  template void avg_pool_backward<T>(Stream, const PoolShape&, float, T*, const T*);
TEMPER_INSTANTIATE(float)
TEMPER_INSTANTIATE(double)
TEMPER_INSTANTIATE(bfloat16)
TEMPER_INSTANTIATE(float16)

}  // namespace temper
