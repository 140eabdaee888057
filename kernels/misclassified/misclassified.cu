#include "kernels/misclassified/misclassified.h"

#include "kernels/runtime/map.h"

namespace temper {

namespace {

template <class T>
struct Misclassified {
  HD void operator()(int64_t, T& y, int32_t predicted, int32_t label) const {
    y = T(predicted >= 0 && predicted != label);
  }
};

}  // namespace

template <class T>
void misclassified(Stream stream, int64_t n, T* y, const int32_t* predicted, const int32_t* labels) {
  const KernelRange range(stream, "misclassified", {n});
  map(stream, n, Misclassified<T>{}, write(y), predicted, labels);
}

template void misclassified<float>(Stream, int64_t, float*, const int32_t*, const int32_t*);
template void misclassified<double>(Stream, int64_t, double*, const int32_t*, const int32_t*);

}  // namespace temper
