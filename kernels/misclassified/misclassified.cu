#include "kernels/misclassified/misclassified.h"

#include "kernels/runtime/map.h"

namespace temper {

namespace {

template <class T>
struct Misclassified {
  TEMPER_HD void operator()(int64_t, T& y, int32_t predicted, int32_t label) const {
    y = T(predicted >= 0 && predicted != label);
  }
};

template <class T>
struct TakenFor {
  TEMPER_HD void operator()(int64_t, T& y, int32_t predicted, int32_t target) const { y = T(predicted == target); }
};

}  // namespace

template <class T>
void misclassified(Stream stream, int64_t n, T* y, const int32_t* predicted, const int32_t* labels) {
  const KernelRange range(stream, "misclassified", {n});
  map(stream, n, Misclassified<T>{}, write(y), predicted, labels);
}

template <class T>
void taken_for(Stream stream, int64_t n, T* y, const int32_t* predicted, const int32_t* targets) {
  const KernelRange range(stream, "taken_for", {n});
  map(stream, n, TakenFor<T>{}, write(y), predicted, targets);
}

#define TEMPER_INSTANTIATE(T)                                                          \
  template void misclassified<T>(Stream, int64_t, T*, const int32_t*, const int32_t*); \
  template void taken_for<T>(Stream, int64_t, T*, const int32_t*, const int32_t*);
TEMPER_INSTANTIATE(float)
TEMPER_INSTANTIATE(double)

}  // namespace temper
