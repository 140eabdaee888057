#include "kernels/attack_loss/attack_loss.h"

#include <cmath>

#include "kernels/softmax_loss/log_softmax.h"

namespace temper {

namespace {

template <class T>
TEMPER_HD void put_nan(const Row& row, T* value, T* dlogits) {
  row.once([&] { value[row.index] = T(NAN); });
  if (dlogits) row.each([](int, T& d) { d = T(NAN); }, write(dlogits + row.at(0)));
}

template <class T>
struct LogOdds {
  T *value, *dlogits;
  const T* logits;
  const int32_t* labels;
  TEMPER_HD void operator()(const Row& row) const {
    const T* z = logits + row.at(0);
    const int label = labels[row.index];
    if (label < 0 || label >= row.size || !all_finite(row, z)) return put_nan(row, value, dlogits);
    const T other = row.max([&](int c, T v) { return c == label ? -T(INFINITY) : v; }, z);
    const T sum = row.sum([&](int c, T v) { return c == label ? T(0) : std::exp(v - other); }, z);
    row.once([&] { value[row.index] = other + std::log(sum) - z[label]; });
    if (!dlogits) return;
    row.each([&](int c, T& d, T v) { d = c == label ? T(-1) : std::exp(v - other) / sum; }, write(dlogits + row.at(0)),
             z);
  }
};

template <class T>
TEMPER_HD T larger(T a, T b) {
  return a > b ? a : b;
}

template <class T>
struct KlDirection {
  T *value, *dlogits;
  const T *logits, *target;
  TEMPER_HD void operator()(const Row& row) const {
    const T *z = logits + row.at(0), *t = target + row.at(0);
    if (!all_finite(row, z) || !all_finite(row, t)) return put_nan(row, value, dlogits);
    const LogSoftmax<T> log_q(row, z, T(1)), log_p(row, t, T(1));
    const T divergence = row.sum([&](int, T v, T t) { return std::exp(log_p(t)) * (log_p(t) - log_q(v)); }, z, t);
    row.once([&] { value[row.index] = divergence; });
    if (!dlogits) return;
    // The differences sum to 0, so the class with most of p, whose own difference cancels, gets what the others leave.
    T* const d = dlogits + row.at(0);
    const int top = -row.max([&](int c, T t) { return t == log_p.max ? -c : -row.size; }, t);
    const T reach =
        row.max([&](int c, T v, T t) { return c == top ? -T(INFINITY) : larger(log_q(v), log_p(t)); }, z, t);
    row.each(
        [&](int c, T& d, T v, T t) {
          const T ratio = log_q(v) - log_p(t);
          const T size = -std::expm1(-std::abs(ratio)) * std::exp(larger(log_q(v), log_p(t)) - reach);
          d = c == top ? T(0) : ratio < 0 ? -size : size;
        },
        write(d), z, t);
    row.sync();
    const T* const others = d;
    const T rest = row.sum([](int, T d) { return d; }, others);
    const T most = larger(std::abs(rest), row.max([](int, T d) { return std::abs(d); }, others));
    row.each([&](int c, T& d) { d = most > 0 ? (c == top ? -rest : d) / most : T(0); }, d);
  }
};

}  // namespace

template <class T>
void log_odds(Stream stream, int64_t rows, int cols, T* value, T* dlogits, const T* logits, const int32_t* labels) {
  const KernelRange range(stream, "log_odds", {rows, cols});
  for_each_row(stream, rows, cols, LogOdds<T>{value, dlogits, logits, labels});
}

template <class T>
void kl_direction(Stream stream, int64_t rows, int cols, T* value, T* dlogits, const T* logits, const T* target) {
  const KernelRange range(stream, "kl_direction", {rows, cols});
  for_each_row(stream, rows, cols, KlDirection<T>{value, dlogits, logits, target});
}

#define TEMPER_INSTANTIATE(T)                                                        \
  template void log_odds<T>(Stream, int64_t, int, T*, T*, const T*, const int32_t*); \
  template void kl_direction<T>(Stream, int64_t, int, T*, T*, const T*, const T*);
TEMPER_INSTANTIATE(float)
TEMPER_INSTANTIATE(double)

}  // namespace temper
