#include "kernels/softmax_loss/softmax_loss.h"

#include <cmath>

#include "kernels/runtime/row.h"

namespace temper {

namespace {

/// log softmax(z / temperature) of one row.
template <class T>
struct LogSoftmax {
  const T* z;  ///< the row
  T temperature, max, log_sum;

  HD LogSoftmax(const Row& row, const T* logits, T temperature_)
      : z(logits + row.at(0)),
        temperature(temperature_),
        max(row.max([&](int c) { return z[c] / temperature; })),
        log_sum(std::log(row.sum([&](int c) { return std::exp(z[c] / temperature - max); }))) {}
  HD T operator()(int c) const { return (z[c] / temperature - max) - log_sum; }
};

template <class T>
struct CrossEntropy {
  T *loss, *dlogits;
  const T* logits;
  const int32_t* labels;
  T on, off;  ///< target of the label and of every other class
  HD void operator()(const Row& row) const {
    const LogSoftmax<T> log_q(row, logits, T(1));
    const int label = labels[row.index];
    const auto target = [&](int c) { return c == label ? on : off; };
    const T value = row.sum([&](int c) { return -target(c) * log_q(c); });
    row.once([&] { loss[row.index] = label >= 0 && label < row.size ? value : T(NAN); });
    if (dlogits) row.each([&](int c) { dlogits[row.at(c)] = std::exp(log_q(c)) - target(c); });
  }
};

template <class T>
struct SoftCrossEntropy {
  T *loss, *dlogits;
  const T *logits, *target;
  HD void operator()(const Row& row) const {
    const LogSoftmax<T> log_q(row, logits, T(1));
    const T value = row.sum([&](int c) { return -target[row.at(c)] * log_q(c); });
    row.once([&] { loss[row.index] = value; });
    if (!dlogits) return;
    const T mass = row.sum([&](int c) { return target[row.at(c)]; });
    row.each([&](int c) { dlogits[row.at(c)] = std::exp(log_q(c)) * mass - target[row.at(c)]; });
  }
};

template <class T>
struct Kl {
  T *loss, *dlogits, *dtarget;
  const T *logits, *target;
  T temperature;
  HD void operator()(const Row& row) const {
    const LogSoftmax<T> log_q(row, logits, temperature), log_p(row, target, temperature);
    const T value = row.sum([&](int c) { return std::exp(log_p(c)) * (log_p(c) - log_q(c)); });
    row.once([&] { loss[row.index] = value; });
    row.each([&](int c) {
      const T p = std::exp(log_p(c));
      if (dlogits) dlogits[row.at(c)] = (std::exp(log_q(c)) - p) / temperature;
      if (dtarget) dtarget[row.at(c)] = p * (log_p(c) - log_q(c) - value) / temperature;
    });
  }
};

}  // namespace

template <class T>
void softmax_cross_entropy(Stream stream, int64_t rows, int cols, T* loss, T* dlogits, const T* logits,
                           const int32_t* labels, float smoothing) {
  const KernelRange range(stream, "softmax_cross_entropy", {rows, cols});
  const T off = T(smoothing) / T(cols);
  for_each_row(stream, rows, cols, CrossEntropy<T>{loss, dlogits, logits, labels, T(1) - T(smoothing) + off, off});
}

template <class T>
void softmax_soft_cross_entropy(Stream stream, int64_t rows, int cols, T* loss, T* dlogits, const T* logits,
                                const T* target) {
  const KernelRange range(stream, "softmax_soft_cross_entropy", {rows, cols});
  for_each_row(stream, rows, cols, SoftCrossEntropy<T>{loss, dlogits, logits, target});
}

template <class T>
void softmax_kl(Stream stream, int64_t rows, int cols, T* loss, T* dlogits, T* dtarget, const T* logits,
                const T* target, float temperature) {
  const KernelRange range(stream, "softmax_kl", {rows, cols});
  for_each_row(stream, rows, cols, Kl<T>{loss, dlogits, dtarget, logits, target, T(temperature)});
}

#define INSTANTIATE(T)                                                                                   \
  template void softmax_cross_entropy<T>(Stream, int64_t, int, T*, T*, const T*, const int32_t*, float); \
  template void softmax_soft_cross_entropy<T>(Stream, int64_t, int, T*, T*, const T*, const T*);         \
  template void softmax_kl<T>(Stream, int64_t, int, T*, T*, T*, const T*, const T*, float);
INSTANTIATE(float)
INSTANTIATE(double)

}  // namespace temper
