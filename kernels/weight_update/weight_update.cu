#include "kernels/weight_update/weight_update.h"

#include "kernels/ema/ema_body.h"
#include "kernels/runtime/dtype.h"
#include "kernels/runtime/map.h"
#include "kernels/sgd_step/sgd_body.h"

namespace temper {

namespace {

using ema_body::Ema;
using sgd_body::LiveMaskedSgd;
using sgd_body::LiveSgd;
using sgd_body::MaskedSgd;
using sgd_body::Sgd;

/// What follows a weight that has moved.
template <class T>
TEMPER_HD void follow(const Ema<T>& ema, T w, T& average) {
  ema(0, average, w);
}
template <class T, class Half>
TEMPER_HD void follow(const Ema<T>&, T w, Half& half) {
  half = Half(static_cast<compute_t<Half>>(w));
}

template <class T>
struct Update {
  Sgd<T> sgd;
  Ema<T> ema;
  template <class... Copies>
  TEMPER_HD void operator()(int64_t i, T& w, T& v, T grad, Copies&... copies) const {
    sgd(i, w, v, grad);
    (follow(ema, w, copies), ...);
  }
};

template <class T>
struct MaskedUpdate {
  MaskedSgd<T> sgd;
  Ema<T> ema;
  template <class... Copies>
  TEMPER_HD void operator()(int64_t i, T& w, T& v, T grad, T mask, Copies&... copies) const {
    sgd(i, w, v, grad, mask);
    (follow(ema, w, copies), ...);
  }
};

/// With live numbers, which are read when the kernel starts.
template <class T>
struct LiveUpdate : LiveSgd<T> {
  ScalarArg<double> decay;
  TEMPER_HD Update<T> bind() const { return {LiveSgd<T>::bind(), Ema<T>(decay.now())}; }
};
template <class T>
struct LiveMaskedUpdate : LiveMaskedSgd<T> {
  ScalarArg<double> decay;
  TEMPER_HD MaskedUpdate<T> bind() const { return {LiveMaskedSgd<T>::bind(), Ema<T>(decay.now())}; }
};

}  // namespace

template <class T, class Half>
void weight_update(Stream stream, int64_t n, const WeightArrays<T, Half>& a, MaskMode mode, SgdStep step,
                   ScalarArg<double> decay) {
  if (!a.average && !a.half) return sgd_step<T>(stream, n, a.w, a.velocity, a.grad, a.mask, mode, step);
  const KernelRange range(stream, "weight_update", {n});
  const auto run = [&](auto... copies) {
    if (a.mask)
      map(stream, n, LiveMaskedUpdate<T>{{{step}, mode}, decay}, a.w, a.velocity, a.grad, a.mask, copies...);
    else
      map(stream, n, LiveUpdate<T>{{step}, decay}, a.w, a.velocity, a.grad, copies...);
  };
  if (!a.half) return run(a.average);
  if constexpr (sizeof(T) == 4) {
    if (a.average)
      run(a.average, write(a.half));
    else
      run(write(a.half));
  } else {
    TEMPER_ASSERT(false, "weight_update: expected no half copy of f64 weights");
  }
}

template void weight_update<float, bfloat16>(Stream, int64_t, const WeightArrays<float, bfloat16>&, MaskMode, SgdStep,
                                             ScalarArg<double>);
template void weight_update<double, bfloat16>(Stream, int64_t, const WeightArrays<double, bfloat16>&, MaskMode, SgdStep,
                                              ScalarArg<double>);
template void weight_update<float, float16>(Stream, int64_t, const WeightArrays<float, float16>&, MaskMode, SgdStep,
                                            ScalarArg<double>);
template void weight_update<double, float16>(Stream, int64_t, const WeightArrays<double, float16>&, MaskMode, SgdStep,
                                             ScalarArg<double>);

}  // namespace temper
