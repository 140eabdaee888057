#pragma once
#include <vector>

#include "kernels/runtime/capture.h"
#include "kernels/runtime/memory.h"

namespace TEMPER_API temper {

/// An array in device memory for data of a kernel other than tensors: tables, scratch. On the CPU it is plain memory.
template <class T>
class DeviceArray {
 public:
  DeviceArray() = default;
  /// n zeros. Must not be constructed during a capture or planning pass.
  DeviceArray(Stream stream, size_t n) : memory_(allocated(stream, n)) { set_zero(stream, data(), memory_.bytes()); }
  DeviceArray(Stream stream, const std::vector<T>& values) : memory_(allocated(stream, values.size())) {
    copy(stream, data(), memory_.device(), values.data(), Device::cpu, memory_.bytes());
    synchronize(stream);
  }

  T* data() const { return memory_.as<T>(); }
  size_t size() const { return memory_.bytes() / sizeof(T); }
  std::vector<T> read(Stream stream) const {
    std::vector<T> values(size());
    copy(stream, values.data(), Device::cpu, data(), memory_.device(), memory_.bytes());
    synchronize(stream);
    return values;
  }

 private:
  static Memory allocated(Stream stream, size_t n) {
    if (stream.capture) stream.capture->forbid_in_capture("device array: memory of its own");
    return {stream.device, n * sizeof(T)};
  }

  Memory memory_;
};

}  // namespace temper
