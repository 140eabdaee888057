#pragma once
#include <vector>

#include "core/engine.h"
#include "core/tensor.h"
#include "kernels/runtime/device_array.h"

namespace TEMPER_API temper {

/// The first element of a f32 or f64 tensor, on the host. Waits for the engine's stream.
double read_scalar(Engine& engine, const Tensor& x);

/// to = from, tensors of one element and the same type. Does not wait.
void put_scalar(Engine& engine, const Tensor& from, const Tensor& to);

/// Numbers that a step writes on the device and the host reads after the step.
class Scalars {
 public:
  Scalars(Engine& engine, DType dtype, int count)
      : engine_(engine), dtype_(dtype), memory_(engine.stream(), static_cast<size_t>(count)) {}

  Tensor all() const { return {memory_.data(), {static_cast<int64_t>(memory_.size())}, dtype_, engine_.device()}; }
  /// Number i, of shape (1).
  Tensor at(int i) const { return all().rows(i, 1); }
  /// Number i = x, a tensor of one element and the same type. Does not wait.
  void put(int i, const Tensor& x) const { put_scalar(engine_, x, at(i)); }
  /// Waits for the engine's stream.
  std::vector<double> read() const;

 private:
  Engine& engine_;
  DType dtype_;
  DeviceArray<double> memory_;  ///< wide enough for either type
};

}  // namespace temper
