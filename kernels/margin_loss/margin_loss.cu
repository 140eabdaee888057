#include "kernels/margin_loss/margin_loss.h"

#include <cmath>

#include "kernels/softmax_loss/log_softmax.h"

namespace temper {

namespace {

template <class T>
struct Margin {
  T *loss, *dlogits;
  const T* logits;
  const int32_t* labels;
  T kappa;
  TEMPER_HD void operator()(const Row& row) const {
    const T* z = logits + row.at(0);
    const int label = labels[row.index];
    if (label < 0 || label >= row.size || !all_finite(row, z)) {
      row.once([&] { loss[row.index] = T(NAN); });
      if (dlogits) row.each([](int, T& d) { d = T(NAN); }, write(dlogits + row.at(0)));
      return;
    }
    const T other = row.max([&](int c, T v) { return c == label ? -T(INFINITY) : v; }, z);
    const int first = -row.max([&](int c, T v) { return c != label && v == other ? -c : -row.size; }, z);
    const T margin = z[label] - other + kappa;
    row.once([&] { loss[row.index] = margin <= 0 ? T(0) : -margin; });
    if (!dlogits) return;
    const T slope = margin <= 0 ? T(0) : T(1);
    row.each([&](int c, T& d) { d = c == label ? -slope : c == first ? slope : T(0); }, write(dlogits + row.at(0)));
  }
};

}  // namespace

template <class T>
void margin_loss(Stream stream, int64_t rows, int cols, T* loss, T* dlogits, const T* logits, const int32_t* labels,
                 float kappa) {
  const KernelRange range(stream, "margin_loss", {rows, cols});
  for_each_row(stream, rows, cols, Margin<T>{loss, dlogits, logits, labels, T(kappa)});
}

template void margin_loss<float>(Stream, int64_t, int, float*, float*, const float*, const int32_t*, float);
template void margin_loss<double>(Stream, int64_t, int, double*, double*, const double*, const int32_t*, float);

}  // namespace temper
