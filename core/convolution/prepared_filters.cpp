#include "core/convolution/prepared_filters.h"

#include "kernels/convert/convert.h"
#include "kernels/fold_filter/fold_filter.h"
#include "kernels/runtime/capture.h"

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

void* PreparedFilters::at_least(Memory& memory, size_t bytes) {
  if (bytes > memory.bytes()) {
    memory = {};
    memory = {device_, bytes};
    ++allocations_;
  }
  return memory.data();
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
