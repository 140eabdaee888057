#pragma once
// Only for .cu files and CUDA-side .cpp files.
#include <utility>

#include "kernels/runtime/cuda_call.h"

namespace TEMPER_API temper {

/// Owns a handle of a CUDA library, such as a stream, a cuBLASLt layout or a cuDNN descriptor, and destroys it with
/// `destroy`. Converts to the handle.
template <class T, auto destroy>
class CudaHandle {
 public:
  CudaHandle() = default;
  explicit CudaHandle(T handle) : handle_(handle) {}
  CudaHandle(CudaHandle&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  CudaHandle& operator=(CudaHandle other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }
  ~CudaHandle() {
    if (handle_) destroy(handle_);
  }

  operator T() const { return handle_; }
  /// Where a function that creates one writes it; there is none yet.
  T* out() { return &handle_; }

 private:
  T handle_ = nullptr;
};

using CudaStream = CudaHandle<cudaStream_t, cudaStreamDestroy>;
using CudaEvent = CudaHandle<cudaEvent_t, cudaEventDestroy>;

inline CudaEvent make_event() {
  CudaEvent event;
  TEMPER_CUDA_CALL(cudaEventCreate(event.out()));
  return event;
}

}  // namespace temper
