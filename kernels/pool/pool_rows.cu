// What needs no window: a row is made from a row, or from the same column of several.
#include "kernels/pool/pool.h"
#include "kernels/pool/pool_body.h"
#include "kernels/runtime/row.h"

namespace temper {

namespace {

/// dx = sink * dx + gradient(c, elements of `arrays`), along a row.
template <class T, class F, class... Arrays>
TEMPER_HD void accumulate(const Row& row, T* dx, float sink, F gradient, const Arrays*... arrays) {
  using C = compute_t<T>;
  if (sink == 0)
    row.each([&](int c, T& into, Arrays... v) { into = T(gradient(c, v...)); }, write(dx), arrays...);
  else
    row.each([&](int c, T& into, Arrays... v) { into = T(C(sink) * C(into) + gradient(c, v...)); }, dx, arrays...);
}

template <class T>
struct GlobalForward {
  int64_t pixels;
  compute_t<T>* y;
  const T* x;
  TEMPER_HD void operator()(const Row& row) const {
    const auto body = [&](auto run) {
      compute_t<T> sum[run.kMost] = {};
      for (int64_t p = 0; p < pixels; ++p) {
        const auto pixel = run.load(x + (row.index * pixels + p) * row.size);
        for (int j = 0; j < run.size; ++j) sum[j] += compute_t<T>(pixel[j]);
      }
      run.store(y + row.at(0), [&](int j) { return sum[j] / compute_t<T>(pixels); });
    };
    row.each_run<kRunOf<T>>(body, y, x);
  }
};

template <class T>
struct GlobalBackward {
  int64_t pixels;
  float sink;
  T* dx;
  const compute_t<T>* dy;
  const T* mask;
  TEMPER_HD void operator()(const Row& row) const {
    using C = compute_t<T>;
    const C* mean = dy + row.index / pixels * row.size;
    T* const to = dx + row.at(0);
    if (!mask)
      return accumulate(
          row, to, sink, [&](int, C g) { return g / C(pixels); }, mean);
    const auto masked = [&](C value, T above) { return C(above) > 0 ? T(value) : T(0.f); };
    if (sink == 0)
      row.each([&](int, T& into, C g, T above) { into = masked(g / C(pixels), above); }, write(to), mean,
               mask + row.at(0));
    else
      row.each([&](int, T& into, C g, T above) { into = masked(C(sink) * C(into) + g / C(pixels), above); }, to, mean,
               mask + row.at(0));
  }
};

template <class T>
struct Transpose {
  int64_t a;
  float sink;
  T* y;
  const T* x;
  TEMPER_HD void operator()(const Row& row) const {  // a row of x: all of b
    const int64_t n = row.index / a, i = row.index % a;
    row.each([&](int j) {
      T& into = y[(n * row.size + j) * a + i];
      const compute_t<T> v = x[row.at(j)];
      into = T(sink == 0 ? v : compute_t<T>(sink) * compute_t<T>(into) + v);
    });
  }
};

template <class T>
struct ShortcutForward {
  ShortcutShape g;
  int64_t p, q;
  T* y;
  const T* x;
  TEMPER_HD void operator()(const Row& row) const {
    const Pixel o(row.index, p, q);
    const T* from = x + ((o.n * g.h + o.h * g.stride) * g.w + o.w * g.stride) * g.c;
    const auto body = [&](int c, T& y) {
      const int k = c - g.front;
      y = k >= 0 && k < g.c ? from[k] : T(0.f);
    };
    row.each(body, write(y + row.at(0)));
  }
};

template <class T>
struct ShortcutBackward {
  ShortcutShape g;
  int64_t p, q;
  float sink;
  T* dx;
  const T* dy;
  TEMPER_HD void operator()(const Row& row) const {
    const Pixel i(row.index, g.h, g.w);
    using C = compute_t<T>;
    const T* from = dy + ((i.n * p + i.h / g.stride) * q + i.w / g.stride) * g.wide + g.front;
    if (i.h % g.stride == 0 && i.w % g.stride == 0)
      accumulate(
          row, dx + row.at(0), sink, [](int, T g) { return C(g); }, from);
    else
      accumulate(row, dx + row.at(0), sink, [](int) { return C(0); });
  }
};

}  // namespace

template <class T>
void global_avg_pool_forward(Stream stream, int64_t n, int64_t pixels, int c, compute_t<T>* y, const T* x) {
  const KernelRange range(stream, "global_avg_pool_forward", {n, pixels, c});
  for_each_row(stream, n, c, GlobalForward<T>{pixels, y, x});
}
template <class T>
void global_avg_pool_backward(Stream stream, int64_t n, int64_t pixels, int c, float sink, T* dx,
                              const compute_t<T>* dy, const T* mask) {
  const KernelRange range(stream, "global_avg_pool_backward", {n, pixels, c});
  for_each_row(stream, n * pixels, c, GlobalBackward<T>{pixels, sink, dx, dy, mask});
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

#define TEMPER_INSTANTIATE(T)                                                                                         \
  template void global_avg_pool_forward<T>(Stream, int64_t, int64_t, int, compute_t<T>*, const T*);                   \
  template void global_avg_pool_backward<T>(Stream, int64_t, int64_t, int, float, T*, const compute_t<T>*, const T*); \
  template void transpose<T>(Stream, int64_t, int64_t, int64_t, float, T*, const T*);                                 \
  template void shortcut_pad_forward<T>(Stream, const ShortcutShape&, T*, const T*);                                  \
  template void shortcut_pad_backward<T>(Stream, const ShortcutShape&, float, T*, const T*);
TEMPER_INSTANTIATE(float)
TEMPER_INSTANTIATE(double)
TEMPER_INSTANTIATE(bfloat16)
TEMPER_INSTANTIATE(float16)

}  // namespace temper
