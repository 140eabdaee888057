#include "kernels/plain_conv/plain_conv.h"

#include "kernels/runtime/dtype.h"
#include "kernels/runtime/row.h"

namespace temper {

namespace {

/// The extents as the kernels divide by them.
struct Extents {
  int h, w, c, k, r, s, p, q, stride, pad;
  explicit Extents(const PlainConvShape& g)
      : h(g.h), w(g.w), c(g.c), k(g.k), r(g.r), s(g.s), p(g.p()), q(g.q()), stride(g.stride), pad(g.pad) {}
};

/// The indices of element `i` of an (n, rows, cols, channels) array.
struct Place {
  int64_t n;
  int row, col, channel;
  TEMPER_HD Place(int64_t i, int rows, int cols, int channels)
      : n(i / channels / cols / rows),
        row(static_cast<int>(i / channels / cols % rows)),
        col(static_cast<int>(i / channels % cols)),
        channel(static_cast<int>(i % channels)) {}
};

template <class T>
TEMPER_HD double product(T a, T b) {
  return double{static_cast<float>(a)} * double{static_cast<float>(b)};
}

// A row is an element that is asked for, a column one of its products.
template <class T>
struct Forward {
  Extents g;
  float* sum;
  const int64_t* at;
  const T *x, *filter;
  TEMPER_HD void operator()(const Row& row) const {
    const Place y(at[row.index], g.p, g.q, g.k);
    const double v = row.sum([&](int i) {
      const Place tap(i, g.r, g.s, g.c);
      const int h = y.row * g.stride + tap.row - g.pad, w = y.col * g.stride + tap.col - g.pad;
      if (h < 0 || h >= g.h || w < 0 || w >= g.w) return 0.0;
      return product(x[((y.n * g.h + h) * g.w + w) * g.c + tap.channel], filter[int64_t(y.channel) * row.size + i]);
    });
    row.once([&] { sum[row.index] = static_cast<float>(v); });
  }
};

template <class T>
struct Data {
  Extents g;
  float* sum;
  const int64_t* at;
  const T *dy, *filter;
  TEMPER_HD void operator()(const Row& row) const {
    const Place x(at[row.index], g.h, g.w, g.c);
    const double v = row.sum([&](int i) {
      const Place tap(i, g.r, g.s, g.k);
      const int h = x.row + g.pad - tap.row, w = x.col + g.pad - tap.col;
      if (h < 0 || w < 0 || h % g.stride || w % g.stride || h / g.stride >= g.p || w / g.stride >= g.q) return 0.0;
      return product(dy[((x.n * g.p + h / g.stride) * g.q + w / g.stride) * g.k + tap.channel],
                     filter[((int64_t(tap.channel) * g.r + tap.row) * g.s + tap.col) * g.c + x.channel]);
    });
    row.once([&] { sum[row.index] = static_cast<float>(v); });
  }
};

template <class T>
struct Filter {
  Extents g;
  float* sum;
  const int64_t* at;
  const T *x, *dy;
  TEMPER_HD void operator()(const Row& row) const {
    const Place tap(at[row.index], g.r, g.s, g.c);  // .n: the filter
    const double v = row.sum([&](int i) {
      const Place y(i, g.p, g.q, 1);
      const int h = y.row * g.stride + tap.row - g.pad, w = y.col * g.stride + tap.col - g.pad;
      if (h < 0 || h >= g.h || w < 0 || w >= g.w) return 0.0;
      return product(x[((y.n * g.h + h) * g.w + w) * g.c + tap.channel], dy[int64_t(i) * g.k + tap.n]);
    });
    row.once([&] { sum[row.index] = static_cast<float>(v); });
  }
};

template <class T>
struct Pick {
  const int64_t* at;
  const T* x;
  TEMPER_HD void operator()(int64_t i, float& y) const { y = static_cast<float>(x[at[i]]); }
};

int columns(int64_t products) {
  TEMPER_CHECK(products < int64_t{1} << 31, "plain_conv: expected fewer than 2^31 products a sum, got ", products);
  return static_cast<int>(products);
}

}  // namespace

int64_t plain_conv_forward_products(const PlainConvShape& g) { return g.r * g.s * g.c; }
int64_t plain_conv_data_products(const PlainConvShape& g) { return g.r * g.s * g.k; }
int64_t plain_conv_filter_products(const PlainConvShape& g) { return g.n * g.p() * g.q(); }

template <class T>
void plain_conv_forward(Stream stream, const PlainConvShape& g, int64_t count, float* sum, const int64_t* at,
                        const T* x, const T* filter) {
  const int products = columns(plain_conv_forward_products(g));
  const KernelRange range(stream, "plain_conv_forward", {count, products});
  for_each_row(stream, count, products, Forward<T>{Extents(g), sum, at, x, filter});
}

template <class T>
void plain_conv_data(Stream stream, const PlainConvShape& g, int64_t count, float* sum, const int64_t* at, const T* dy,
                     const T* filter) {
  const int products = columns(plain_conv_data_products(g));
  const KernelRange range(stream, "plain_conv_data", {count, products});
  for_each_row(stream, count, products, Data<T>{Extents(g), sum, at, dy, filter});
}

template <class T>
void plain_conv_filter(Stream stream, const PlainConvShape& g, int64_t count, float* sum, const int64_t* at, const T* x,
                       const T* dy) {
  const int products = columns(plain_conv_filter_products(g));
  const KernelRange range(stream, "plain_conv_filter", {count, products});
  for_each_row(stream, count, products, Filter<T>{Extents(g), sum, at, x, dy});
}

template <class T>
void pick(Stream stream, int64_t count, float* y, const int64_t* at, const T* x) {
  const KernelRange range(stream, "pick", {count});
  map(stream, count, Pick<T>{at, x}, write(y));
}

#define TEMPER_INSTANTIATE(T)                                                                                          \
  template void plain_conv_forward(Stream, const PlainConvShape&, int64_t, float*, const int64_t*, const T*,           \
                                   const T*);                                                                          \
  template void plain_conv_data(Stream, const PlainConvShape&, int64_t, float*, const int64_t*, const T*, const T*);   \
  template void plain_conv_filter(Stream, const PlainConvShape&, int64_t, float*, const int64_t*, const T*, const T*); \
  template void pick(Stream, int64_t, float*, const int64_t*, const T*);
TEMPER_INSTANTIATE(float)
TEMPER_INSTANTIATE(bfloat16)
TEMPER_INSTANTIATE(float16)

}  // namespace temper
