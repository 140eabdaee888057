#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/convolution/conv.h"
#include "core/loss_scale.h"
#include "core/memory/arena.h"
#include "kernels/runtime/capture.h"
#include "kernels/runtime/device_array.h"
#include "kernels/runtime/team.h"

namespace TEMPER_API temper {

class AttackObserver;

struct EngineOptions {
  Device device = Device::cpu;
  int threads = 0;             ///< CPU threads; 0: default_threads() (core/environment/cpus.h)
  DType compute = DType::f32;  ///< the type activations are stored in: f32, bf16, f16 (f64 for gradient checks)
  float loss_scale = 1;        ///< factor of LossScale; 0: attacks find it, the training loop adjusts it (LossScales)
  int64_t arena_mb = 0;        ///< limit on the memory of a step; 0: as much as the device has
  ArenaGuard guard = arena_guard_of_environment();
  uint64_t seed = 0;
  bool reference_conv = false;        ///< the slow, plain convolutions
  Optimisations without = {};         ///< optimisations that are switched off (docs/exactness.md)
  ConvPlanning planning = {};         ///< how plans of convolutions are chosen on CUDA
  RangeLog* ranges = nullptr;         ///< collects the time of every named range; null: ranges are not timed
  AttackObserver* attacks = nullptr;  ///< sees the results of all attacks (attacks/attack_observer.h); may be null
};

/// The context of all computation, created once and passed by reference: stream, threads, step memory, convolution
/// plans, seed. There are no globals; several engines can live in one process.
class Engine {
 public:
  explicit Engine(EngineOptions options = {});
  ~Engine();
  Engine(const Engine&) = delete;

  Stream stream() const { return stream_; }
  Device device() const { return stream_.device; }
  /// The threads that share the engine's loops on the CPU. Not to be called on a worker.
  Team& team() const { return *team_; }
  /// One engine for each thread of the team, for work in which threads do not meet (slices of a batch). A worker's
  /// loops run on its thread alone, its step memory is its own, and prepared filters are shared with the whole engine.
  /// Workers report nothing to an AttackObserver. They are created at the first call, which must not come from a thread
  /// of the team.
  const std::vector<std::unique_ptr<Engine>>& workers();
  Arena& arena() { return *arena_; }
  ConvBackend& conv() { return *conv_; }
  Capture& capture() { return capture_; }
  DType compute() const { return options_.compute; }
  uint64_t seed() const { return options_.seed; }
  const EngineOptions& options() const { return options_; }
  bool uses(Optimisation o) const { return !options_.without.has(o); }
  const LossScales& loss_scales() const { return *scales_; }
  /// (3) i32 on the device: counters that attacks add their findings to, and that the caller of the attacks reads and
  /// resets (kernels/gradient_notes).
  Tensor attack_tally() const { return attack_tally_; }

 private:
  friend class LossScaleScope;
  Engine(Engine& whole, int worker);

  EngineOptions options_;
  std::shared_ptr<LossScales> scales_;  ///< shared with the workers
  Capture capture_;
  std::shared_ptr<void> queue_;  ///< owns what stream_ points to on CUDA
  Stream stream_;
  std::unique_ptr<Team> team_;  ///< null in a worker
  std::unique_ptr<Arena> arena_;
  std::shared_ptr<ConvBackend> conv_;
  DeviceArray<int32_t> tally_;
  Tensor attack_tally_;
  std::unique_ptr<RangeLog> log_;  ///< of a worker whose engine has one
  std::vector<std::unique_ptr<Engine>> workers_;
};

/// Replaces the loss scales of an engine and its workers while in scope. Without `scales` it does nothing.
class LossScaleScope {
 public:
  LossScaleScope(Engine& engine, const std::optional<LossScales>& scales) : at_(*engine.scales_), before_(at_) {
    if (scales) at_ = *scales;
  }
  ~LossScaleScope() { at_ = before_; }
  LossScaleScope(const LossScaleScope&) = delete;

 private:
  LossScales& at_;
  const LossScales before_;
};

}  // namespace temper
