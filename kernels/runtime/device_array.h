#pragma once
#include <utility>
#include <vector>

#include "kernels/runtime/capture.h"
#include "kernels/runtime/memory.h"

namespace temper {

/// An array in a device's memory, for what a kernel needs beside tensors: tables made once, scratch. On the CPU it is
/// plain memory.
template <class T>
class DeviceArray {
 public:
  DeviceArray() = default;
  /// n zeros. Not for work that is recorded or planned: it is made before.
  DeviceArray(Stream stream, size_t n) : device_(stream.device), n_(n) {
    if (stream.capture) stream.capture->forbid_in_capture("device array: memory of its own");
    data_ = static_cast<T*>(allocate(stream.device, n * sizeof(T)));
    set_zero(stream, data_, n * sizeof(T));
  }
  DeviceArray(Stream stream, const std::vector<T>& values) : DeviceArray(stream, values.size()) {
    copy(stream, data_, device_, values.data(), Device::cpu, n_ * sizeof(T));
    synchronize(stream);
  }
  DeviceArray(DeviceArray&& other) noexcept { *this = std::move(other); }
  DeviceArray& operator=(DeviceArray&& other) noexcept {
    std::swap(device_, other.device_);
    std::swap(n_, other.n_);
    std::swap(data_, other.data_);
    return *this;
  }
  ~DeviceArray() { release(device_, data_, n_ * sizeof(T)); }

  T* data() const { return data_; }
  size_t size() const { return n_; }
  std::vector<T> read(Stream stream) const {
    std::vector<T> values(n_);
    copy(stream, values.data(), Device::cpu, data_, device_, n_ * sizeof(T));
    synchronize(stream);
    return values;
  }

 private:
  Device device_ = Device::cpu;
  size_t n_ = 0;
  T* data_ = nullptr;
};

}  // namespace temper
