#pragma once
// Kernel arguments that may change between replays of a captured step.
#include "kernels/runtime/api.h"
#include "kernels/runtime/hd.h"

namespace TEMPER_API temper {

/// A scalar argument of a kernel: a number, or the address of a live value that the kernel reads when it runs. Every
/// replay of a captured launch reads the present value (Capture).
template <class T>
class ScalarArg {
 public:
  TEMPER_HD constexpr ScalarArg(T value = {}) : value_(value) {}
  /// `at` must be in the memory of the device that runs the kernel.
  explicit ScalarArg(const T* at) : at_(at) {}

  TEMPER_HD T now() const { return at_ ? *at_ : value_; }

 private:
  const T* at_ = nullptr;
  T value_{};
};

}  // namespace temper
