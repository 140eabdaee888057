#include "kernels/pad_image/pad_image.h"

#include "kernels/runtime/dtype.h"
#include "kernels/runtime/row.h"

namespace temper {

namespace {

/// A row of pixels of the padded image.
template <class T>
struct Forward {
  PadImage p;
  T* y;
  const T* x;
  TEMPER_HD void operator()(const Row& row) const {
    const int64_t image = row.index / (p.h + p.below), r = row.index % (p.h + p.below);
    const int filled = r < p.h ? p.w * p.c : 0;
    const T* from = x + (image * p.h + r) * p.w * p.c;
    row.each([=](int j, T& to) { to = j < filled ? from[j] : T(0.f); }, write(y + row.at(0)));
  }
};

/// A row of pixels of the image.
template <class T>
struct Backward {
  PadImage p;
  const T* dy;
  TEMPER_HD const T* from(int64_t row) const {
    return dy + (row / p.h * (p.h + p.below) + row % p.h) * (p.w + p.right) * p.c;
  }
};
template <class T>
struct Put {
  Backward<T> of;
  T* dx;
  TEMPER_HD void operator()(const Row& row) const {
    const T* from = of.from(row.index);
    row.each([=](int j, T& to) { to = from[j]; }, write(dx + row.at(0)));
  }
};
template <class T>
struct Add {
  Backward<T> of;
  T* dx;
  TEMPER_HD void operator()(const Row& row) const {
    using C = compute_t<T>;
    const T* from = of.from(row.index);
    row.each([=](int j, T& to) { to = T(C(to) + C(from[j])); }, dx + row.at(0));
  }
};

}  // namespace

template <class T>
void pad_image_forward(Stream stream, const PadImage& p, T* y, const T* x) {
  const KernelRange range(stream, "pad_image_forward", {p.n, p.h, p.w, p.c});
  for_each_row(stream, p.n * (p.h + p.below), (p.w + p.right) * p.c, Forward<T>{p, y, x});
}

template <class T>
void pad_image_backward(Stream stream, const PadImage& p, float beta, T* dx, const T* dy) {
  const KernelRange range(stream, "pad_image_backward", {p.n, p.h, p.w, p.c});
  if (beta == 0)
    for_each_row(stream, p.n * p.h, p.w * p.c, Put<T>{{p, dy}, dx});
  else
    for_each_row(stream, p.n * p.h, p.w * p.c, Add<T>{{p, dy}, dx});
}

#define TEMPER_INSTANTIATE(T)                                                \
  template void pad_image_forward<T>(Stream, const PadImage&, T*, const T*); \
  template void pad_image_backward<T>(Stream, const PadImage&, float, T*, const T*);
TEMPER_INSTANTIATE(float)
TEMPER_INSTANTIATE(double)
TEMPER_INSTANTIATE(bfloat16)
TEMPER_INSTANTIATE(float16)

}  // namespace temper
