#include "core/engine.h"

#include "core/environment/cpus.h"
#include "kernels/runtime/memory.h"
#include "kernels/runtime/range.h"
#if defined(TEMPER_CUDA)
#include "core/gemm/gemm_cublas.h"
#include "core/plans/conv_planned.h"
#include "kernels/runtime/cuda_handle.h"
#endif

namespace temper {

namespace {

#if defined(TEMPER_CUDA)
/// A CUDA stream and the matrix library bound to it.
struct Queue {
  CudaStream handle;
  std::shared_ptr<void> blas;
};
#endif

/// A stream, whose owner is put into `queue`.
Stream make_stream(const EngineOptions& options, [[maybe_unused]] std::shared_ptr<void>& queue) {
  if (options.device == Device::cpu) return {};
#if defined(TEMPER_CUDA)
  const auto made = std::make_shared<Queue>();
  TEMPER_CUDA_CALL(cudaStreamCreateWithFlags(made->handle.out(), cudaStreamNonBlocking));
  made->blas = make_cublas({.math = options.planning.math, .without = options.without});
  queue = made;
  return {.device = options.device, .handle = made->handle, .blas = made->blas.get()};
#else
  fail("device: cuda was asked for, but this build has no CUDA back end; configure with -DTEMPER_CUDA=ON");
#endif
}

std::unique_ptr<ConvBackend> make_conv(const EngineOptions& options, [[maybe_unused]] Arena& arena) {
  if (options.reference_conv) return make_reference_conv();
#if defined(TEMPER_CUDA)
  if (options.device == Device::cuda)
    return make_planned_conv(make_cuda_engines(), {.arena = &arena, .planning = options.planning});
#endif
  auto conv = make_cpu_conv(options.without);
  return options.compute == DType::f16 ? make_f16_conv(std::move(conv)) : std::move(conv);
}

// The default if no scale is found or set, such as for a loss that is differentiated once.
constexpr float kUsualScale = 1024;

LossScales first_scales(float factor) {
  if (factor == 1) return {};
  const LossScale scale = LossScale::of(factor > 0 ? factor : kUsualScale);
  return {.params = scale, .inputs = scale, .fitted = factor == 0};
}

}  // namespace

Engine::Engine(EngineOptions options)
    : options_(options), scales_(std::make_shared<LossScales>(first_scales(options.loss_scale))) {
  TEMPER_CHECK(options.device == Device::cpu || cuda_available(),
               "device: cuda was asked for, but no CUDA device answers; run with device: cpu");
  const std::string problem = problem_with_threads(options.threads);
  TEMPER_CHECK(problem.empty(), "threads: ", problem);
  stream_ = make_stream(options, queue_);
  team_ = std::make_unique<Team>(options.threads > 0 ? options.threads : default_threads());
  if (options.device == Device::cpu) stream_.team = team_.get();
  stream_.ranges = options.ranges;
  stream_.capture = &capture_;
  arena_ = std::make_unique<Arena>(
      stream_, ArenaOptions{.limit = static_cast<size_t>(options.arena_mb) << 20, .guard = options.guard});
  conv_ = make_conv(options, *arena_);
  tally_ = {stream_, size_t{3}};
  attack_tally_ = {tally_.data(), {3}, DType::i32, device()};
}

Engine::Engine(Engine& whole, int worker)
    : options_(whole.options_),
      scales_(whole.scales_),
      stream_(whole.stream_),
      conv_(whole.conv_),
      attack_tally_(whole.attack_tally_) {
  options_.attacks = nullptr;
  if (options_.ranges) log_ = std::make_unique<RangeLog>();
  options_.ranges = log_.get();
  stream_.team = nullptr;
  stream_.worker = worker;
  stream_.ranges = log_.get();
  stream_.capture = &capture_;
  const size_t limit = (static_cast<size_t>(options_.arena_mb) << 20) / whole.team().size();
  arena_ = std::make_unique<Arena>(stream_, ArenaOptions{.limit = limit, .guard = options_.guard});
}

const std::vector<std::unique_ptr<Engine>>& Engine::workers() {
  TEMPER_CHECK(team_ && device() == Device::cpu,
               "engine: only an engine on the CPU with threads of its own has workers");
  for (int i = static_cast<int>(workers_.size()); i < team_->size(); ++i) workers_.emplace_back(new Engine(*this, i));
  return workers_;
}

Engine::~Engine() = default;

}  // namespace temper
