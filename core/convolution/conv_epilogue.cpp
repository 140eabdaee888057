#include "core/convolution/conv_epilogue.h"

#include "kernels/axpby/axpby.h"
#include "kernels/relu/relu.h"
#include "kernels/row_add/row_add.h"

namespace temper {

void apply_epilogue(Stream stream, const ConvShape& g, const Tensor& y, const Tensor& bias, const ConvEpilogue& e) {
  dispatch_float(y.dtype, [&](auto tag) {
    using T = decltype(tag);
    if (e.residual) axpby(stream, y.numel(), 1.f, e.residual.as<T>(), 1.f, y.as<T>());
    if (bias) row_add(stream, g.n * g.p() * g.q(), static_cast<int>(g.k), bias.as<T>(), y.as<T>());
    if (e.relu) relu_forward(stream, y.numel(), y.as<T>(), y.as<T>());
  });
}

}  // namespace temper
