#include "core/host.h"

#include "kernels/runtime/memory.h"

namespace temper {

namespace {

template <class T>
std::vector<T> host_copy(Engine& engine, const Tensor& x) {
  std::vector<T> out(static_cast<size_t>(x.numel()));
  copy(engine.stream(), out.data(), Device::cpu, x.data, x.device, x.bytes());
  synchronize(engine.stream());
  return out;
}

}  // namespace

std::vector<double> host_values(Engine& engine, const Tensor& x) {
  if (x.dtype == DType::f64) return host_copy<double>(engine, x);
  TEMPER_CHECK(x.dtype == DType::f32, "host_values: expected f32 or f64, got ", x.dtype);
  const std::vector<float> narrow = host_copy<float>(engine, x);
  return {narrow.begin(), narrow.end()};
}

std::vector<int32_t> host_indices(Engine& engine, const Tensor& x) {
  TEMPER_CHECK(x.dtype == DType::i32, "host_indices: expected i32, got ", x.dtype);
  return host_copy<int32_t>(engine, x);
}

}  // namespace temper
