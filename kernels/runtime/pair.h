#pragma once
// For kernels written twice: NAME.cpp holds the launcher and the CPU half, NAME_cuda.cu the CUDA half under namespace
// cuda.
#include "kernels/runtime/capture.h"
#include "kernels/runtime/check.h"
#include "kernels/runtime/stream.h"

namespace TEMPER_API temper {

[[noreturn]] inline void no_cuda(const char* who) {
  fail(who, ": this build has no CUDA back end; configure with -DTEMPER_CUDA=ON or run with device: cpu");
}

}  // namespace temper

/// First line of a launcher: on CUDA calls cuda::function(stream, arguments...) and returns. Returns while planning.
#if defined(TEMPER_CUDA)
#define TEMPER_CUDA_HALF(function, stream, ...) \
  if (planning(stream)) return;                 \
  if ((stream).device == Device::cuda) return cuda::function(stream, __VA_ARGS__)
#else
#define TEMPER_CUDA_HALF(function, stream, ...) \
  if (planning(stream)) return;                 \
  if ((stream).device == Device::cuda) no_cuda(#function)
#endif
