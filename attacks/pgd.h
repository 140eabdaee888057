#pragma once
#include "attacks/attack.h"

namespace temper {

/// Projected gradient descent (Madry et al. 2018) and its relatives: one step of it is FGSM, momentum makes it MI-FGSM,
/// the margin loss makes it what the field's tables call C&W.
struct Pgd : Attack {
  enum class Start : uint8_t { none, uniform, uniform_unclipped, gauss001 };
  enum class Return : uint8_t { last, best_loss, any_success };
  enum class Loss : uint8_t { cross_entropy, margin };

  Norm norm = Norm::linf;
  double radius = 8.0 / 255;  ///< eps, in [0, 1] pixel units
  double step = 2.0 / 255;    ///< alpha
  int steps = 10;
  Start start = Start::uniform;
  int restarts = 1;
  Return returns = Return::last;  ///< within a run and over restarts
  Loss loss = Loss::cross_entropy;
  double kappa = 50;    ///< margin loss only
  double momentum = 0;  ///< MI-FGSM's mu (Dong et al. 2018)

  void fields(Fields& f) override;
  std::string describe() const override;
  /// Ascends the configured loss.
  Tensor run(Engine& engine, const Batch& batch, const Classifier& classifier, uint32_t draw) const override;
  /// Ascends another objective: what trainers use.
  Tensor run(Engine& engine, const Batch& batch, const Classifier& classifier, const Objective& objective,
             uint32_t draw) const;
};

}  // namespace temper
