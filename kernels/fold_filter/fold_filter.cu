#include "kernels/fold_filter/fold_filter.h"

#include <cmath>

#include "kernels/runtime/dtype.h"
#include "kernels/runtime/row.h"

namespace temper {

namespace {

template <class T, class Out>
struct Fold {
  FoldInputs<T> in;
  Out *w_out, *bias_out;

  TEMPER_HD void operator()(const Row& row) const {
    const int64_t c = row.index;
    const T s = in.gamma[c] / sqrt(in.variance[c] + T(in.eps));
    row.each([&](int, Out& out, T w) { out = Out(s * w); }, write(w_out + row.at(0)), in.w + row.at(0));
    row.once([&] { bias_out[c] = Out(in.beta[c] + ((in.bias ? in.bias[c] : T(0)) - in.mean[c]) * s); });
  }
};

}  // namespace

template <class T, class Out>
void fold_filter(Stream stream, int64_t channels, int taps, Out* w_out, Out* bias_out, const FoldInputs<T>& in) {
  const KernelRange range(stream, "fold_filter", {channels, taps});
  for_each_row(stream, channels, taps, Fold<T, Out>{in, w_out, bias_out});
}

template void fold_filter<float, float>(Stream, int64_t, int, float*, float*, const FoldInputs<float>&);
template void fold_filter<float, bfloat16>(Stream, int64_t, int, bfloat16*, bfloat16*, const FoldInputs<float>&);
template void fold_filter<float, float16>(Stream, int64_t, int, float16*, float16*, const FoldInputs<float>&);
template void fold_filter<double, double>(Stream, int64_t, int, double*, double*, const FoldInputs<double>&);

}  // namespace temper
