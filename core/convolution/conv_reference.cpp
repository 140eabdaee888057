#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <vector>

#include "core/convolution/conv.h"
#include "kernels/runtime/team.h"

namespace temper {

namespace {

template <class T>
using Matrix = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
template <class T>
using MatrixMap = Eigen::Map<Matrix<T>>;
template <class T>
using ConstMatrixMap = Eigen::Map<const Matrix<T>>;

/// Calls f(row of the patch matrix, column of its first channel, pixel offset or -1 for padding) for every tap.
template <class F>
void for_each_tap(const ConvShape& g, F f) {
  for (int64_t p = 0; p < g.p(); ++p)
    for (int64_t q = 0; q < g.q(); ++q)
      for (int64_t r = 0; r < g.r; ++r)
        for (int64_t s = 0; s < g.s; ++s) {
          const int64_t y = p * g.stride + r - g.pad, x = q * g.stride + s - g.pad;
          const bool inside = y >= 0 && y < g.h && x >= 0 && x < g.w;
          f(p * g.q() + q, (r * g.s + s) * g.c, inside ? (y * g.w + x) * g.c : -1);
        }
}

template <class T>
Matrix<T> patches(const ConvShape& g, const T* x) {
  Matrix<T> m = Matrix<T>::Zero(g.p() * g.q(), g.r * g.s * g.c);
  for_each_tap(g, [&](int64_t row, int64_t col, int64_t pixel) {
    if (pixel >= 0) std::copy_n(x + pixel, g.c, m.data() + row * m.cols() + col);
  });
  return m;
}

/// The filter as (k, r*s*c) with a fold multiplied in, and the bias that goes with it.
template <class T>
struct Prepared {
  Matrix<T> w;
  std::vector<T> bias;

  Prepared(const ConvShape& g, const ConvFilter& f)
      : w(ConstMatrixMap<T>(f.w.as<T>(), g.k, g.r * g.s * g.c)), bias(g.k) {
    if (f.bias) std::copy_n(f.bias.as<T>(), g.k, bias.begin());
    if (!f.fold) return;
    for (int64_t k = 0; k < g.k; ++k) {
      const BatchNormFold& b = *f.fold;
      const T scale = b.gamma.as<T>()[k] / std::sqrt(b.variance.as<T>()[k] + T(b.eps));
      w.row(k) *= scale;
      bias[k] = b.beta.as<T>()[k] + (bias[k] - b.mean.as<T>()[k]) * scale;
    }
  }
};

/// Small convolutions, such as those of gradient checks, cost less than waking a thread.
Team* team_for(Stream stream, const ConvShape& g) {
  return g.n * g.p() * g.q() * g.k * g.r * g.s * g.c >= 1 << 20 ? stream.team : nullptr;
}

template <class T>
void forward(Stream stream, const ConvForward& r) {
  const ConvShape& g = r.shape;
  const Prepared<T> filter(g, r.filter);
  const int64_t in = g.h * g.w * g.c, out = g.p() * g.q() * g.k;
  each_item(team_for(stream, g), g.n, [&](int64_t n, int) {
    T* to = r.y.as<T>() + n * out;
    MatrixMap<T>(to, g.p() * g.q(), g.k).noalias() = patches<T>(g, r.x.as<T>() + n * in) * filter.w.transpose();
    for (int64_t i = 0; i < out; ++i) {
      T v = to[i] + filter.bias[i % g.k];
      if (r.residual) v += r.residual.as<T>()[n * out + i];
      to[i] = r.relu && v < 0 ? T(0) : v;
    }
  });
}

template <class T>
void backward_data(Stream stream, const ConvBackwardData& r, T* dx) {
  const ConvShape& g = r.shape;
  const Prepared<T> filter(g, r.filter);
  const int64_t in = g.h * g.w * g.c, out = g.p() * g.q() * g.k;
  each_item(team_for(stream, g), g.n, [&](int64_t n, int) {
    const Matrix<T> cols = ConstMatrixMap<T>(r.dy.as<T>() + n * out, g.p() * g.q(), g.k) * filter.w;
    T* to = dx + n * in;
    if (r.beta == 0) std::fill_n(to, in, T(0));
    for_each_tap(g, [&](int64_t row, int64_t col, int64_t pixel) {
      if (pixel < 0) return;
      for (int64_t c = 0; c < g.c; ++c) to[pixel + c] += cols(row, col + c);
    });
  });
}

template <class T>
void backward_filter(const ConvBackwardFilter& r) {
  const ConvShape& g = r.shape;
  const int64_t in = g.h * g.w * g.c, out = g.p() * g.q() * g.k;
  MatrixMap<T> to(r.dw.as<T>(), g.k, g.r * g.s * g.c);
  if (r.beta == 0) to.setZero();
  for (int64_t n = 0; n < g.n; ++n)
    to.noalias() +=
        ConstMatrixMap<T>(r.dy.as<T>() + n * out, g.p() * g.q(), g.k).transpose() * patches<T>(g, r.x.as<T>() + n * in);
}

template <class T>
void statistics(const ConvForward& r) {
  // Row by row: Eigen's order of a column's sum depends on where the memory lies.
  const int64_t k = r.shape.k;
  T *const sum = r.sum.as<T>(), *const squares = r.squares.as<T>();
  std::fill_n(sum, k, T(0));
  std::fill_n(squares, k, T(0));
  for (int64_t i = 0; i < r.y.numel(); ++i) {
    const T v = r.y.as<T>()[i];
    sum[i % k] += v;
    squares[i % k] += v * v;
  }
}

class ReferenceConv : public ConvBackend {
 public:
  const char* name() const override { return "reference"; }
  bool supports(DType dtype) const override { return dtype == DType::f32 || dtype == DType::f64; }
  ConvDone forward(Stream stream, const ConvForward& r) override {
    dispatch_full(r.y.dtype, [&](auto tag) {
      temper::forward<decltype(tag)>(stream, r);
      if (r.sum) statistics<decltype(tag)>(r);
    });
    return all_of(r);
  }
  ConvDone backward_data(Stream stream, const ConvBackwardData& r) override {
    dispatch_full(r.dx.dtype, [&](auto tag) {
      using T = decltype(tag);
      T* const dx = r.dx.as<T>();
      temper::backward_data(stream, r, dx);
      if (!r.mask) return;
      T* const to = r.elsewhere ? r.elsewhere().template as<T>() : dx;  // no better for it, but checked so
      for (int64_t i = 0; i < r.dx.numel(); ++i) to[i] = r.mask.as<T>()[i] > 0 ? dx[i] : T(0);
    });
    return all_of(r);
  }
  void backward_filter(Stream, const ConvBackwardFilter& r) override {
    dispatch_full(r.dw.dtype, [&](auto tag) { temper::backward_filter<decltype(tag)>(r); });
  }
};

}  // namespace

std::unique_ptr<ConvBackend> make_reference_conv() { return std::make_unique<ReferenceConv>(); }

}  // namespace temper
