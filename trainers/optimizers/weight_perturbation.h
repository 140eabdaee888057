#pragma once
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/config/config.h"
#include "core/memory/arena.h"
#include "trainers/trainer.h"

namespace TEMPER_API temper {

/// The `awp` section: adversarial weight perturbation around any method.
struct AwpOptions {
  enum class Restore : uint8_t { after_step, before_step };
  double gamma = 0;   ///< 0: off
  int64_t start = 1;  ///< first epoch (1-based) whose steps perturb
  Restore restore = Restore::after_step;

  bool on() const { return gamma > 0; }
  /// Whether the steps of an epoch perturb.
  bool due(int64_t epoch) const { return on() && epoch >= start; }
  void fields(Fields& f);
};

/// Adversarial weight perturbation (Wu, Xia & Wang 2020, "Adversarial Weight Perturbation Helps Robust Generalization",
/// algorithm 1). A step of a method with loss L and weights w is
///   v_l = gamma * |w_l| / |g_l| * g_l,  g = dL(w)/dw        for each filter and matrix w_l of the network
///   w <- (w + v) - step(dL(w + v)/dw) - v
/// BatchNorm's parameters and biases are not perturbed, nor are the method's parts. Both losses are of the same
/// tensors of TrainContext::once(), which are made at w, and of the same random numbers. Running statistics move as in
/// the official code: while such tensors are made, and in the passes at w + v; those at w leave no trace.
class WeightPerturbation {
 public:
  /// `parts`: of the method, after its begin().
  WeightPerturbation(Engine& engine, const Network& network, const AwpOptions& options,
                     const std::vector<MethodPart>& parts);

  /// The method's write_gradients() at w + v; overwrites grads[0] twice. Logs the loss at w as "unperturbed_loss".
  /// Leaves the network at w + v with Restore::after_step, and at w otherwise. Throws Error if the method attacks
  /// without TrainContext::once().
  void write_gradients(Trainer& method, TrainContext& context, const Batch& batch,
                       std::span<const GradientBuffer> grads, const Tensor& loss);
  /// Whether restore() is to be called after the optimiser's step.
  bool restores_after_step() const { return options_.restore == AwpOptions::Restore::after_step; }
  /// w + v + d -> w + d. Without a step in between the bits of w are those before write_gradients().
  void restore(Engine& engine);

 private:
  /// The tensors of a step, and the running statistics as their making left them.
  class Kept;
  struct Statistics {
    ParamBuffer& now;
    ParamBuffer saved;
  };
  void save_statistics();
  void restore_statistics();
  void perturb(Engine& engine, const ParamBuffer& direction);

  AwpOptions options_;
  ParamBuffer& weights_;
  ParamBuffer own_;                     ///< w
  std::optional<ParamBuffer> moved_;    ///< w + v, if the step is to start from it
  std::vector<Statistics> statistics_;  ///< of the network and of the method's parts
  Arena arena_;                         ///< outlives the tapes of a step's first loss
};

}  // namespace temper
