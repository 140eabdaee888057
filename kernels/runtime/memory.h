#pragma once
#include <cstddef>
#include <utility>

#include "kernels/runtime/stream.h"

namespace TEMPER_API temper {

/// Whether this build and this machine can run kernels on CUDA device 0.
bool cuda_available();

/// Owns memory of a device, 256-byte aligned: everything that Temper allocates on one. On the CPU the pages are zeros
/// and take memory only when first touched, so a generous size costs nothing; on CUDA the contents are undefined.
class Memory {
 public:
  Memory() = default;
  /// Throws Error, with the requested size, if the device does not have enough.
  Memory(Device device, size_t bytes);
  Memory(Memory&& other) noexcept
      : device_(other.device_), bytes_(std::exchange(other.bytes_, 0)), data_(std::exchange(other.data_, nullptr)) {}
  Memory& operator=(Memory other) noexcept {
    std::swap(device_, other.device_);
    std::swap(bytes_, other.bytes_);
    std::swap(data_, other.data_);
    return *this;
  }
  ~Memory();

  Device device() const { return device_; }
  size_t bytes() const { return bytes_; }
  void* data() const { return data_; }
  template <class T>
  T* as() const {
    return static_cast<T*>(data_);
  }

 private:
  Device device_ = Device::cpu;
  size_t bytes_ = 0;
  void* data_ = nullptr;
};

/// Copies between any two devices, in stream order. Host memory must stay valid until synchronize(). In a planning pass
/// copies and fills within a device do nothing; copies from and to the host are refused (Capture::forbid_in_capture).
void copy(Stream stream, void* to, Device to_device, const void* from, Device from_device, size_t bytes);
void set_zero(Stream stream, void* data, size_t bytes);
void synchronize(Stream stream);

}  // namespace temper
