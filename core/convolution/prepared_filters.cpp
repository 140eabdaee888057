#include "core/convolution/prepared_filters.h"

#include "kernels/convert/convert.h"
#include "kernels/fold_filter/fold_filter.h"
#include "kernels/runtime/capture.h"
#include "kernels/runtime/memory.h"

namespace temper {

namespace {

template <class T>
void fill(Stream stream, const ConvShape& g, const ConvFilter& f, void* w, void* bias) {
  if (f.fold) {
    const BatchNormFold& b = *f.fold;
    fold_filter<float, T>(stream, g.k, static_cast<int>(g.r * g.s * g.c), static_cast<T*>(w), static_cast<T*>(bias),
                          {.w = f.w.as<float>(),
                           .bias = f.bias.as<float>(),
                           .gamma = b.gamma.as<float>(),
                           .beta = b.beta.as<float>(),
                           .mean = b.mean.as<float>(),
                           .variance = b.variance.as<float>(),
                           .eps = b.eps});
    return;
  }
  convert(stream, f.w.numel(), f.w.as<float>(), 0.f, static_cast<T*>(w));
  if (bias) convert(stream, g.k, f.bias.as<float>(), 0.f, static_cast<T*>(bias));
}

}  // namespace

PreparedFilters::~PreparedFilters() {
  for (auto& [key, entry] : entries_)
    for (const Buffer& b : {entry.w, entry.bias}) release(device_, b.data, b.bytes);
}

void* PreparedFilters::at_least(Buffer& buffer, size_t bytes) {
  if (bytes <= buffer.bytes) return buffer.data;
  release(device_, buffer.data, buffer.bytes);
  buffer = {};
  buffer = {.data = allocate(device_, bytes), .bytes = bytes};
  ++allocations_;
  return buffer.data;
}

PreparedFilters::Filter PreparedFilters::get(Stream stream, const ConvShape& g, const ConvFilter& f, DType dtype) {
  if (!f.fold && dtype == f.w.dtype) return {f.w.data, f.bias.data};
  if (!f.fold && !f.bias && f.half) return {f.half.data};
  Entry& entry = entries_[{f.w.data, f.bias.data, f.fold ? f.fold->mean.data : nullptr, dtype}];
  const Filter made{.w = at_least(entry.w, f.w.numel() * size_of(dtype)),
                    .bias = f.fold || f.bias ? at_least(entry.bias, g.k * size_of(dtype)) : nullptr};
  if (f.version != 0 && f.version == entry.version && entry.generation == generation(stream)) return made;
  entry.version = f.version;
  entry.generation = generation(stream);
  ++prepared_;
  if (dtype == DType::f32)
    fill<float>(stream, g, f, made.w, made.bias);
  else
    dispatch_half(dtype, [&](auto tag) { fill<decltype(tag)>(stream, g, f, made.w, made.bias); });
  return made;
}

}  // namespace temper
