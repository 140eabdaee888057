#pragma once
// Numbers that differ from one run of the same work to the next.
#include "kernels/runtime/api.h"
#include "kernels/runtime/hd.h"

namespace TEMPER_API temper {

/// A number that a kernel takes: given with the launch, or read where the kernel runs. Work that is recorded once and
/// done again by the device alone (Capture) finds other numbers in that memory each time.
template <class T>
class ScalarArg {
 public:
  TEMPER_HD constexpr ScalarArg(T value = {}) : value_(value) {}
  /// `at` lies in the memory of the device that runs the kernel.
  explicit ScalarArg(const T* at) : at_(at) {}

  TEMPER_HD T now() const { return at_ ? *at_ : value_; }

 private:
  const T* at_ = nullptr;
  T value_{};
};

}  // namespace temper
