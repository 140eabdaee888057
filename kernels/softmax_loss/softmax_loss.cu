#include "kernels/softmax_loss/softmax_loss.h"

#include <cmath>

#include "kernels/softmax_loss/log_softmax.h"

namespace temper {

namespace {

template <class T>
struct CrossEntropy {
  T *loss, *dlogits;
  const T* logits;
  const int32_t* labels;
  T on, off;  ///< target of the label and of every other class
  TEMPER_HD void operator()(const Row& row) const {
    const T* z = logits + row.at(0);
    const LogSoftmax<T> log_q(row, z, T(1));
    const int label = labels[row.index];
    const auto target = [&](int c) { return c == label ? on : off; };
    const T value = row.sum([&](int c, T v) { return -target(c) * log_q(v); }, z);
    row.once([&] { loss[row.index] = label >= 0 && label < row.size ? value : T(NAN); });
    if (!dlogits) return;
    row.each([&](int c, T& d, T v) { d = std::exp(log_q(v)) - target(c); }, write(dlogits + row.at(0)), z);
  }
};

template <class T>
struct SoftCrossEntropy {
  T *loss, *dlogits;
  const T *logits, *target;
  TEMPER_HD void operator()(const Row& row) const {
    const T *z = logits + row.at(0), *t = target + row.at(0);
    const LogSoftmax<T> log_q(row, z, T(1));
    const T value = row.sum([&](int, T v, T t) { return -t * log_q(v); }, z, t);
    row.once([&] { loss[row.index] = value; });
    if (!dlogits) return;
    const T mass = row.sum([](int, T t) { return t; }, t);
    row.each([&](int, T& d, T v, T t) { d = std::exp(log_q(v)) * mass - t; }, write(dlogits + row.at(0)), z, t);
  }
};

template <class T>
struct Kl {
  T *loss, *dlogits, *dtarget;
  const T *logits, *target;
  T temperature;
  TEMPER_HD void operator()(const Row& row) const {
    const T *z = logits + row.at(0), *t = target + row.at(0);
    const LogSoftmax<T> log_q(row, z, temperature), log_p(row, t, temperature);
    const T value = row.sum([&](int, T v, T t) { return std::exp(log_p(t)) * (log_p(t) - log_q(v)); }, z, t);
    row.once([&] { loss[row.index] = value; });
    const auto each = [&](T* gradient, auto of) {
      if (gradient)
        row.each([&](int, T& d, T v, T t) { d = of(v, t) / temperature; }, write(gradient + row.at(0)), z, t);
    };
    each(dlogits, [&](T v, T t) { return std::exp(log_q(v)) - std::exp(log_p(t)); });
    each(dtarget, [&](T v, T t) { return std::exp(log_p(t)) * (log_p(t) - log_q(v) - value); });
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

#define TEMPER_INSTANTIATE(T)                                                                            \
  template void softmax_cross_entropy<T>(Stream, int64_t, int, T*, T*, const T*, const int32_t*, float); \
  template void softmax_soft_cross_entropy<T>(Stream, int64_t, int, T*, T*, const T*, const T*);         \
  template void softmax_kl<T>(Stream, int64_t, int, T*, T*, T*, const T*, const T*, float);
TEMPER_INSTANTIATE(float)
TEMPER_INSTANTIATE(double)

}  // namespace temper
