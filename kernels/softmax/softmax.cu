#include "kernels/softmax/softmax.h"

#include <cmath>

#include "kernels/softmax_loss/log_softmax.h"

namespace temper {

namespace {

template <class T>
struct Softmax {
  T* y;
  const T* z;
  TEMPER_HD void operator()(const Row& row) const {
    const T* of = z + row.at(0);
    const LogSoftmax<T> log_q(row, of, T(1));
    row.each([&](int, T& y, T v) { y = std::exp(log_q(v)); }, write(y + row.at(0)), of);
  }
};

template <class T>
struct LogOfSoftmax {
  T* y;
  const T* z;
  TEMPER_HD void operator()(const Row& row) const {
    const T* of = z + row.at(0);
    const LogSoftmax<T> log_q(row, of, T(1));
    row.each([&](int, T& y, T v) { y = log_q(v); }, write(y + row.at(0)), of);
  }
};

/// dz = [beta * dz +] gradient(y, dy).
template <class T, class Gradient>
TEMPER_HD void put(const Row& row, T* dz, const T* y, const T* dy, T beta, const Gradient& gradient) {
  if (beta == 0)
    row.each([&](int, T& d, T y, T g) { d = gradient(y, g); }, write(dz), y, dy);
  else
    row.each([&](int, T& d, T y, T g) { d = beta * d + gradient(y, g); }, dz, y, dy);
}

template <class T>
struct SoftmaxBackward {
  T* dz;
  const T *y, *dy;
  T beta;
  TEMPER_HD void operator()(const Row& row) const {
    const T *q = y + row.at(0), *g = dy + row.at(0);
    const T mean = row.sum([](int, T y, T g) { return y * g; }, q, g);
    put(row, dz + row.at(0), q, g, beta, [&](T y, T g) { return y * (g - mean); });
  }
};

template <class T>
struct LogSoftmaxBackward {
  T* dz;
  const T *y, *dy;
  T beta;
  TEMPER_HD void operator()(const Row& row) const {
    const T *log_q = y + row.at(0), *g = dy + row.at(0);
    const T mass = row.sum([](int, T g) { return g; }, g);
    put(row, dz + row.at(0), log_q, g, beta, [&](T y, T g) { return g - std::exp(y) * mass; });
  }
};

}  // namespace

template <class T>
void softmax_forward(Stream stream, int64_t rows, int cols, T* y, const T* z) {
  const KernelRange range(stream, "softmax_forward", {rows, cols});
  for_each_row(stream, rows, cols, Softmax<T>{y, z});
}

template <class T>
void softmax_backward(Stream stream, int64_t rows, int cols, const T* y, const T* dy, float beta, T* dz) {
  const KernelRange range(stream, "softmax_backward", {rows, cols});
  for_each_row(stream, rows, cols, SoftmaxBackward<T>{dz, y, dy, T(beta)});
}

template <class T>
void log_softmax_forward(Stream stream, int64_t rows, int cols, T* y, const T* z) {
  const KernelRange range(stream, "log_softmax_forward", {rows, cols});
  for_each_row(stream, rows, cols, LogOfSoftmax<T>{y, z});
}

template <class T>
void log_softmax_backward(Stream stream, int64_t rows, int cols, const T* y, const T* dy, float beta, T* dz) {
  const KernelRange range(stream, "log_softmax_backward", {rows, cols});
  for_each_row(stream, rows, cols, LogSoftmaxBackward<T>{dz, y, dy, T(beta)});
}

#define TEMPER_INSTANTIATE(T)                                                             \
  template void softmax_forward<T>(Stream, int64_t, int, T*, const T*);                   \
  template void softmax_backward<T>(Stream, int64_t, int, const T*, const T*, float, T*); \
  template void log_softmax_forward<T>(Stream, int64_t, int, T*, const T*);               \
  template void log_softmax_backward<T>(Stream, int64_t, int, const T*, const T*, float, T*);
TEMPER_INSTANTIATE(float)
TEMPER_INSTANTIATE(double)

}  // namespace temper
