#pragma once
// Tensors of a device, seen from the host: tests read and write them through copies alone.
#include <cmath>
#include <vector>

#include "core/engine.h"
#include "kernels/runtime/memory.h"

namespace temper::test {

/// A tensor's elements, as they are stored.
template <class T>
std::vector<T> values_of(Stream stream, const Tensor& t) {
  std::vector<T> out(t.numel());
  copy(stream, out.data(), Device::cpu, t.data, t.device, t.bytes());
  synchronize(stream);
  return out;
}
template <class T>
std::vector<T> values_of(const Engine& engine, const Tensor& t) {
  return values_of<T>(engine.stream(), t);
}

/// The elements of a tensor of any floating type.
inline std::vector<double> numbers_of(Stream stream, const Tensor& t) {
  return dispatch_float(t.dtype, [&](auto tag) {
    using T = decltype(tag);
    const std::vector<T> stored = values_of<T>(stream, t);
    std::vector<double> out(stored.size());
    for (size_t i = 0; i < out.size(); ++i) out[i] = static_cast<double>(stored[i]);
    return out;
  });
}
inline std::vector<double> numbers_of(const Engine& engine, const Tensor& t) { return numbers_of(engine.stream(), t); }

template <class T>
void write_values(const Engine& engine, const Tensor& to, const std::vector<T>& values) {
  copy(engine.stream(), to.data, to.device, values.data(), Device::cpu, to.bytes());
  synchronize(engine.stream());
}

/// Writes numbers into a tensor of any floating type, rounded to it.
inline void write_numbers(const Engine& engine, const Tensor& to, const std::vector<double>& numbers) {
  TEMPER_CHECK(static_cast<int64_t>(numbers.size()) == to.numel(), "write_numbers: ", to.shape, " takes ", to.numel(),
               " numbers, got ", numbers.size());
  dispatch_float(to.dtype, [&](auto tag) {
    using T = decltype(tag);
    std::vector<T> stored;
    for (const double v : numbers)
      if constexpr (sizeof(T) == 8)
        stored.push_back(v);
      else
        stored.push_back(T(static_cast<float>(v)));
    write_values(engine, to, stored);
  });
}

/// What an engine keeps parameters, images and losses in.
inline DType full_type(const Engine& engine) { return engine.compute() == DType::f64 ? DType::f64 : DType::f32; }

/// A tensor in the engine's arena.
inline Tensor tensor_of(Engine& engine, const Shape& shape, const std::vector<double>& numbers) {
  const Tensor t = engine.arena().tensor(shape, full_type(engine));
  write_numbers(engine, t, numbers);
  return t;
}

inline Tensor labels_of(Engine& engine, const std::vector<int32_t>& labels) {
  const Tensor t = engine.arena().tensor({static_cast<int64_t>(labels.size())}, DType::i32);
  write_values(engine, t, labels);
  return t;
}

/// Largest difference of two arrays.
inline double largest_difference(const std::vector<double>& a, const std::vector<double>& b) {
  TEMPER_CHECK(a.size() == b.size(), "expected ", b.size(), " numbers, got ", a.size());
  double worst = 0;
  for (size_t i = 0; i < a.size(); ++i)
    if (!(std::abs(a[i] - b[i]) <= worst)) worst = std::abs(a[i] - b[i]);
  return worst;
}

/// |a - b| / |b|, of arrays as vectors.
inline double relative_difference(const std::vector<double>& a, const std::vector<double>& b) {
  TEMPER_CHECK(a.size() == b.size(), "expected ", b.size(), " numbers, got ", a.size());
  double difference = 0, size = 0;
  for (size_t i = 0; i < b.size(); ++i) difference += (a[i] - b[i]) * (a[i] - b[i]), size += b[i] * b[i];
  return std::sqrt(difference / size);
}

}  // namespace temper::test
