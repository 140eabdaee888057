#include "core/engine.h"

#include <omp.h>

#include "kernels/runtime/memory.h"
#if defined(TEMPER_CUDA)
#include "core/conv_planned.h"
#include "core/gemm_cublas.h"
#include "kernels/runtime/cuda_call.h"
#endif

namespace temper {

namespace {

Stream make_stream(const EngineOptions& options) {
  if (options.device == Device::cpu) return {};
#if defined(TEMPER_CUDA)
  cudaStream_t handle = nullptr;
  TEMPER_CUDA_CALL(cudaStreamCreateWithFlags(&handle, cudaStreamNonBlocking));
  return {.device = options.device,
          .handle = handle,
          .blas = create_cublas({.math = options.planning.math, .exactness = options.exactness})};
#else
  fail("device: cuda was asked for, but this build has no CUDA back end; configure with -DTEMPER_CUDA=ON");
#endif
}

std::unique_ptr<ConvBackend> make_conv(const EngineOptions& options, [[maybe_unused]] Arena& arena) {
  if (options.reference_conv) return make_reference_conv();
#if defined(TEMPER_CUDA)
  if (options.device == Device::cuda)
    return make_planned_conv(make_cuda_engines(),
                             {.arena = &arena, .planning = options.planning, .exactness = options.exactness});
#endif
  auto conv = make_conv_backend(options.device, options.exactness);
  return options.compute == DType::f16 ? make_f16_conv(std::move(conv)) : std::move(conv);
}

}  // namespace

Engine::Engine(EngineOptions options) : options_(options) {
  TEMPER_CHECK(options.device == Device::cpu || cuda_available(),
               "device: cuda was asked for, but no CUDA device answers; run with device: cpu");
  if (options.threads > 0) omp_set_num_threads(options.threads);
  stream_ = make_stream(options);
  stream_.ranges = options.ranges;
  stream_.capture = &capture_;
  arena_ = std::make_unique<Arena>(
      stream_, ArenaOptions{.limit = static_cast<size_t>(options.arena_mb) << 20, .guard = options.guard});
  conv_ = make_conv(options, *arena_);
  attack_tally_ = {stream_, size_t{3}};
}

Engine::~Engine() {
  conv_.reset();
#if defined(TEMPER_CUDA)
  destroy_cublas(stream_.blas);
  if (stream_.handle) cudaStreamDestroy(static_cast<cudaStream_t>(stream_.handle));
#endif
}

}  // namespace temper
