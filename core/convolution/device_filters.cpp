#include "core/convolution/device_filters.h"

#include "kernels/convert/convert.h"
#include "kernels/fold_filter/fold_filter.h"

namespace temper {

template <class T>
void convert_filter(Stream stream, const ConvFilter& f, T* w, T* bias) {
  const int64_t filters = f.w.shape[0];
  if (f.fold) {
    const BatchNormFold& b = *f.fold;
    fold_filter<float, T>(stream, filters, static_cast<int>(f.w.numel() / filters), w, bias,
                          {.w = f.w.as<float>(),
                           .bias = f.bias.as<float>(),
                           .gamma = b.gamma.as<float>(),
                           .beta = b.beta.as<float>(),
                           .mean = b.mean.as<float>(),
                           .variance = b.variance.as<float>(),
                           .eps = b.eps});
    return;
  }
  if (f.half && sizeof(T) == 2)
    copy(stream, w, f.w.device, f.half(dtype_of<T>()).data, f.w.device, f.w.numel() * sizeof(T));
  else
    convert(stream, f.w.numel(), f.w.as<float>(), 0.f, w);
  if (bias) convert(stream, filters, f.bias.as<float>(), 0.f, bias);
}
template void convert_filter(Stream, const ConvFilter&, float*, float*);
template void convert_filter(Stream, const ConvFilter&, bfloat16*, bfloat16*);
template void convert_filter(Stream, const ConvFilter&, float16*, float16*);

DeviceFilters::Filter DeviceFilters::get(Stream stream, const ConvFilter& f, DType dtype) {
  if (!f.fold && dtype == f.w.dtype) return {f.w.data, f.bias.data};
  if (!f.fold && !f.bias && f.half) return {f.half(dtype).data};
  const int64_t filters = f.w.shape[0], elements = f.w.numel();
  const Use use{f.bias.data, f.fold ? f.fold->mean.data : nullptr, filters, elements, dtype};
  const auto make = [&] {
    return Converted{.w = {device_, elements * size_of(dtype)},
                     .bias = f.fold || f.bias ? Memory(device_, filters * size_of(dtype)) : Memory()};
  };
  const auto made = kept_.get(stream, f, use, make, [&](Converted& to) {
    const auto as = [&]<class T>(T) { convert_filter(stream, f, to.w.as<T>(), to.bias.as<T>()); };
    if (dtype == DType::f32)
      as(float{});
    else
      dispatch_half(dtype, as);
  });
  return {made->w.data(), made->bias.data()};
}

}  // namespace temper
