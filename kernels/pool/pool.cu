#include "kernels/pool/pool.h"

#include "kernels/runtime/row.h"

namespace temper {

namespace {

template <class T, class C>
HD void accumulate(T& into, float sink, C gradient) {
  into = T(sink == 0 ? gradient : C(sink) * C(into) + gradient);
}

/// A pixel of an (n, h, w) grid by its number.
struct Pixel {
  int64_t n;
  int h, w;
  HD Pixel(int64_t index, int64_t height, int64_t width)
      : n(index / (height * width)), h(int(index / width % height)), w(int(index % width)) {}
};

/// Part of a window, or of the windows over a pixel, that exists: [begin, end).
struct Range {
  int begin, end;
};
HD Range window(int at, int extent, const PoolShape& g) {
  const int from = at * g.stride - g.pad, to = from + g.size;
  return {from < 0 ? 0 : from, to > extent ? extent : to};
}
HD Range windows_over(int at, int extent, const PoolShape& g) {
  const int from = at + g.pad - g.size + g.stride, to = (at + g.pad) / g.stride + 1;
  return {from < 0 ? 0 : from / g.stride, to > extent ? extent : to};
}

/// f(offset of the pixel, place in the window) over the pixels of output pixel o's window, row by row.
template <class F>
HD void each_in_window(const PoolShape& g, const Pixel& o, F f) {
  const Range rows = window(o.h, int(g.h), g), cols = window(o.w, int(g.w), g);
  for (int h = rows.begin; h < rows.end; ++h)
    for (int w = cols.begin; w < cols.end; ++w)
      f(((o.n * g.h + h) * g.w + w) * g.c, (h - o.h * g.stride + g.pad) * g.size + w - o.w * g.stride + g.pad);
}

/// f(offset of the output pixel, place of `i` in its window) over all windows that pixel i lies in.
template <class F>
HD void each_window_over(const PoolShape& g, int64_t p, int64_t q, const Pixel& i, F f) {
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
  HD void operator()(const Row& row) const {
    const Pixel o(row.index, p, q);
    row.each_run([&](int c, int n) {
      compute_t<T> best[Row::kRun];
      int place[Row::kRun];
      bool first = true;
      each_in_window(g, o, [&](int64_t offset, int k) {
        for (int j = 0; j < n; ++j) {
          const compute_t<T> v = x[offset + c + j];
          const bool take = first || v > best[j] || v != v;
          best[j] = take ? v : best[j];
          place[j] = take ? k : place[j];
        }
        first = false;
      });
      for (int j = 0; j < n; ++j) y[row.at(c + j)] = T(best[j]);
      for (int j = 0; j < n; ++j) argmax[row.at(c + j)] = static_cast<uint8_t>(place[j]);
    });
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
  HD void operator()(const Row& row) const {
    const Pixel i(row.index, g.h, g.w);
    row.each_run([&](int c, int n) {
      compute_t<T> sum[Row::kRun] = {};
      each_window_over(g, p, q, i, [&](int64_t offset, int k) {
        for (int j = 0; j < n; ++j) {
          const compute_t<T> v = dy[offset + c + j];
          sum[j] += argmax[offset + c + j] == k ? v : compute_t<T>(0);
        }
      });
      for (int j = 0; j < n; ++j) accumulate(dx[row.at(c + j)], sink, sum[j]);
    });
  }
};

template <class T>
struct AvgForward {
  PoolShape g;
  int64_t p, q;
  T* y;
  const T* x;
  HD void operator()(const Row& row) const {
    const Pixel o(row.index, p, q);
    row.each_run([&](int c, int n) {
      compute_t<T> sum[Row::kRun] = {};
      each_in_window(g, o, [&](int64_t offset, int) {
        for (int j = 0; j < n; ++j) sum[j] += compute_t<T>(x[offset + c + j]);
      });
      for (int j = 0; j < n; ++j) y[row.at(c + j)] = T(sum[j] / (g.size * g.size));
    });
  }
};

template <class T>
struct AvgBackward {
  PoolShape g;
  int64_t p, q;
  float sink;
  T* dx;
  const T* dy;
  HD void operator()(const Row& row) const {
    const Pixel i(row.index, g.h, g.w);
    row.each_run([&](int c, int n) {
      compute_t<T> sum[Row::kRun] = {};
      each_window_over(g, p, q, i, [&](int64_t offset, int) {
        for (int j = 0; j < n; ++j) sum[j] += compute_t<T>(dy[offset + c + j]);
      });
      for (int j = 0; j < n; ++j) accumulate(dx[row.at(c + j)], sink, sum[j] / (g.size * g.size));
    });
  }
};

template <class T>
struct GlobalForward {
  int64_t pixels;
  compute_t<T>* y;
  const T* x;
  HD void operator()(const Row& row) const {
    row.each_run([&](int c, int n) {
      compute_t<T> sum[Row::kRun] = {};
      for (int64_t p = 0; p < pixels; ++p)
        for (int j = 0; j < n; ++j) sum[j] += compute_t<T>(x[(row.index * pixels + p) * row.size + c + j]);
      for (int j = 0; j < n; ++j) y[row.at(c + j)] = sum[j] / compute_t<T>(pixels);
    });
  }
};

template <class T>
struct GlobalBackward {
  int64_t pixels;
  float sink;
  T* dx;
  const compute_t<T>* dy;
  HD void operator()(const Row& row) const {
    const int64_t n = row.index / pixels;
    row.each([&](int c) { accumulate(dx[row.at(c)], sink, dy[n * row.size + c] / compute_t<T>(pixels)); });
  }
};

template <class T>
struct Transpose {
  int64_t a;
  float sink;
  T* y;
  const T* x;
  HD void operator()(const Row& row) const {  // a row of x: all of b
    const int64_t n = row.index / a, i = row.index % a;
    row.each([&](int j) { accumulate(y[(n * row.size + j) * a + i], sink, compute_t<T>(x[row.at(j)])); });
  }
};

template <class T>
struct ShortcutForward {
  ShortcutShape g;
  int64_t p, q;
  T* y;
  const T* x;
  HD void operator()(const Row& row) const {
    const Pixel o(row.index, p, q);
    const T* from = x + ((o.n * g.h + o.h * g.stride) * g.w + o.w * g.stride) * g.c;
    row.each([&](int c) {
      const int k = c - g.front;
      y[row.at(c)] = k >= 0 && k < g.c ? from[k] : T(0.f);
    });
  }
};

template <class T>
struct ShortcutBackward {
  ShortcutShape g;
  int64_t p, q;
  float sink;
  T* dx;
  const T* dy;
  HD void operator()(const Row& row) const {
    const Pixel i(row.index, g.h, g.w);
    const bool kept = i.h % g.stride == 0 && i.w % g.stride == 0;
    const T* from = dy + ((i.n * p + i.h / g.stride) * q + i.w / g.stride) * g.wide + g.front;
    row.each([&](int c) { accumulate(dx[row.at(c)], sink, kept ? compute_t<T>(from[c]) : compute_t<T>(0)); });
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

template <class T>
void global_avg_pool_forward(Stream stream, int64_t n, int64_t pixels, int c, compute_t<T>* y, const T* x) {
  const KernelRange range(stream, "global_avg_pool_forward", {n, pixels, c});
  for_each_row(stream, n, c, GlobalForward<T>{pixels, y, x});
}
template <class T>
void global_avg_pool_backward(Stream stream, int64_t n, int64_t pixels, int c, float sink, T* dx,
                              const compute_t<T>* dy) {
  const KernelRange range(stream, "global_avg_pool_backward", {n, pixels, c});
  for_each_row(stream, n * pixels, c, GlobalBackward<T>{pixels, sink, dx, dy});
}

template <class T>
void transpose(Stream stream, int64_t n, int64_t a, int64_t b, float sink, T* y, const T* x) {
  const KernelRange range(stream, "transpose", {n, a, b});
  for_each_row(stream, n * a, static_cast<int>(b), Transpose<T>{a, sink, y, x});
}

template <class T>
void shortcut_pad_forward(Stream stream, const ShortcutShape& g, T* y, const T* x) {
  const KernelRange range(stream, "shortcut_pad_forward", {g.n, g.h, g.w, g.c});
  for_each_row(stream, g.n * g.p() * g.q(), g.wide, ShortcutForward<T>{g, g.p(), g.q(), y, x});
}
template <class T>
void shortcut_pad_backward(Stream stream, const ShortcutShape& g, float sink, T* dx, const T* dy) {
  const KernelRange range(stream, "shortcut_pad_backward", {g.n, g.h, g.w, g.c});
  for_each_row(stream, g.n * g.h * g.w, g.c, ShortcutBackward<T>{g, g.p(), g.q(), sink, dx, dy});
}

#define INSTANTIATE(T)                                                                                      \
  template void max_pool_forward<T>(Stream, const PoolShape&, T*, uint8_t*, const T*);                      \
  template void max_pool_backward<T>(Stream, const PoolShape&, float, T*, const T*, const uint8_t*);        \
  template void avg_pool_forward<T>(Stream, const PoolShape&, T*, const T*);                                \
  template void avg_pool_backward<T>(Stream, const PoolShape&, float, T*, const T*);                        \
  template void global_avg_pool_forward<T>(Stream, int64_t, int64_t, int, compute_t<T>*, const T*);         \
  template void global_avg_pool_backward<T>(Stream, int64_t, int64_t, int, float, T*, const compute_t<T>*); \
  template void transpose<T>(Stream, int64_t, int64_t, int64_t, float, T*, const T*);                       \
  template void shortcut_pad_forward<T>(Stream, const ShortcutShape&, T*, const T*);                        \
  template void shortcut_pad_backward<T>(Stream, const ShortcutShape&, float, T*, const T*);
INSTANTIATE(float)
INSTANTIATE(double)
INSTANTIATE(bfloat16)
INSTANTIATE(float16)

}  // namespace temper
