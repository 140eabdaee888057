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

namespace temper {

class AttackObserver;

struct EngineOptions {
  Device device = Device::cpu;
  int threads = 0;             ///< CPU threads; 0: default_threads() (core/environment/cpus.h)
  DType compute = DType::f32;  ///< the type activations are stored in: f32, bf16, f16 (f64 for gradient checks)
  float loss_scale = 1;        ///< LossScale's factor; 0: found by attacks, and set by whoever trains (LossScales)
  int64_t arena_mb = 0;        ///< the most that a step may take; 0: as much as the device has
  ArenaGuard guard = arena_guard_of_environment();
  uint64_t seed = 0;
  bool reference_conv = false;        ///< the slow, plain convolutions
  Optimisations without = {};         ///< those that are switched off (docs/exactness.md)
  ConvPlanning planning = {};         ///< of convolutions on CUDA
  RangeLog* ranges = nullptr;         ///< times the named ranges of all work; none: nobody does
  AttackObserver* attacks = nullptr;  ///< is shown what attacks find (attacks/attack_observer.h); none: nobody is
};

/// All that a computation runs on, created once and passed on: stream, threads, step memory, convolution plans, seed.
/// No globals: several engines can live in one process.
class Engine {
 public:
  explicit Engine(EngineOptions options = {});
  ~Engine();
  Engine(const Engine&) = delete;

  Stream stream() const { return stream_; }
  Device device() const { return stream_.device; }
  /// The threads that share the engine's loops on the CPU; a worker has none.
  Team& team() const { return *team_; }
  /// Engines for work that each thread of the team does by itself, one a thread: their loops stay on that thread, steps
  /// have memory of their own, and what is prepared for convolutions is shared. They show nothing to an AttackObserver.
  /// Made when first asked for, which the threads themselves must not.
  const std::vector<std::unique_ptr<Engine>>& workers();
  Arena& arena() { return *arena_; }
  ConvBackend& conv() { return *conv_; }
  Capture& capture() { return capture_; }
  DType compute() const { return options_.compute; }
  uint64_t seed() const { return options_.seed; }
  const EngineOptions& options() const { return options_; }
  bool uses(Optimisation o) const { return !options_.without.has(o); }
  const LossScales& loss_scales() const { return *scales_; }
  /// (3) i32, for attacks to add what they met to, and for whoever runs them to take out: kernels/gradient_notes.
  Tensor attack_tally() const { return attack_tally_; }

 private:
  friend class LossScaleScope;
  Engine(Engine& whole, int worker);

  EngineOptions options_;
  std::shared_ptr<LossScales> scales_;  ///< the workers', too
  Capture capture_;
  std::shared_ptr<void> queue_;  ///< owns what stream_ points to on CUDA
  Stream stream_;
  std::unique_ptr<Team> team_;  ///< none: a worker's, which loops alone
  std::unique_ptr<Arena> arena_;
  std::shared_ptr<ConvBackend> conv_;
  DeviceArray<int32_t> tally_;
  Tensor attack_tally_;
  std::unique_ptr<RangeLog> log_;  ///< a worker's, where the whole engine has one
  std::vector<std::unique_ptr<Engine>> workers_;
};

/// Other loss scales of an engine and its workers for as long as it lives; none: they stay.
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
