#include "kernels/product/product.h"

#include "kernels/runtime/map.h"

namespace temper {

namespace {

struct Product {
  template <class T>
  TEMPER_HD void operator()(int64_t, T& y, T a, T b) const {
    y = a * b;
  }
};

template <class T>
struct ProductAdd {
  T beta;
  TEMPER_HD void operator()(int64_t, T& y, T a, T b) const { y = beta * y + a * b; }
};

}  // namespace

template <class T>
void product(Stream stream, int64_t n, const T* a, const T* b, float beta, T* y) {
  const KernelRange range(stream, "product", {n});
  if (beta == 0)
    map(stream, n, Product{}, write(y), a, b);
  else
    map(stream, n, ProductAdd<T>{beta}, y, a, b);
}

template void product<float>(Stream, int64_t, const float*, const float*, float, float*);
template void product<double>(Stream, int64_t, const double*, const double*, float, double*);

}  // namespace temper
