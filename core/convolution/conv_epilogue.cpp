#include "core/convolution/conv_epilogue.h"

#include "kernels/axpby/axpby.h"
#include "kernels/relu/relu.h"
#include "kernels/row_add/row_add.h"

namespace temper {

void finish(Stream stream, const ConvForward& r, const ConvDone& done) {
  const ConvShape& g = r.shape;
  dispatch_float(r.y.dtype, [&](auto tag) {
    using T = decltype(tag);
    T* const y = r.y.as<T>();
    const int64_t n = r.y.numel();
    if (r.residual && !done.residual) axpby(stream, n, 1.f, r.residual.as<T>(), 1.f, y);
    if (done.bias) row_add(stream, g.n * g.p() * g.q(), static_cast<int>(g.k), done.bias.as<T>(), y);
    if (r.relu && !done.relu) relu_forward(stream, n, y, y);
  });
}

void finish(Stream stream, const ConvBackwardData& r, const ConvDone& done) {
  if (!r.mask || done.mask) return;
  dispatch_float(r.dx.dtype, [&](auto tag) {
    using T = decltype(tag);
    relu_backward(stream, r.dx.numel(), r.mask.as<T>(), r.dx.as<T>(), 0.f, r.dx.as<T>());
  });
}

bool convolve(ConvBackend& conv, Stream stream, const ConvForward& request) {
  const ConvDone done = conv.forward(stream, request);
  finish(stream, request, done);
  return done.statistics;
}

void convolve_backward_data(ConvBackend& conv, Stream stream, const ConvBackwardData& request) {
  finish(stream, request, conv.backward_data(stream, request));
}

}  // namespace temper
