#include "kernels/rgp_score/rgp_score.h"

#include "kernels/runtime/map.h"

namespace temper {

namespace {

template <class T>
TEMPER_HD T magnitude(T v) {
  return v < T(0) ? -v : v;
}

template <class T>
struct Score {
  T alpha, rest;
  RgpForm form;
  TEMPER_HD void operator()(int64_t, T& score, T natural, T robust) const {
    if (form == RgpForm::abs) {
      score = alpha * magnitude(natural) + rest * magnitude(robust);
    } else {
      const T sum = alpha * natural + rest * robust;
      score = form == RgpForm::signed_sum ? sum : magnitude(sum);
    }
  }
};

}  // namespace

template <class T>
void rgp_score(Stream stream, int64_t n, T* score, const T* natural, const T* robust, double alpha, RgpForm form) {
  const KernelRange range(stream, "rgp_score", {n});
  map(stream, n, Score<T>{T(alpha), T(1 - alpha), form}, write(score), natural, robust);
}

template void rgp_score<float>(Stream, int64_t, float*, const float*, const float*, double, RgpForm);
template void rgp_score<double>(Stream, int64_t, double*, const double*, const double*, double, RgpForm);

}  // namespace temper
