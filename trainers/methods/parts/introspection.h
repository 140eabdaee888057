#pragma once
#include "core/config/config.h"
#include "core/ops/per_sample_loss.h"
#include "trainers/trainer.h"

namespace TEMPER_API temper {

/// What IAD (Zhu et al. 2022, "Reliable Adversarial Distillation with Unreliable Teachers") adds to a distillation: how
/// far a teacher T is trusted with an adversarial image x' of the class y, and the student's own opinion S(x) for what
/// is left,
///   a = T(x')_y ^ beta,     mean_i (1 - a_i) KL(S(x_i) || S(x'_i)).
struct Introspection {
  enum class Gradient : uint8_t { both_sides, adversarial_only };
  float beta = 0.1;
  int64_t warm_up_epochs;  ///< in which the teacher is trusted without reserve
  Gradient gradient = Gradient::both_sides;

  explicit Introspection(int64_t warm_up_epochs) : warm_up_epochs(warm_up_epochs) {}
  void fields(Fields& f);
  /// Checks them against the number of epochs of the run; `f` is the method's section.
  void check(const Fields& f, int64_t epochs) const;

  /// Whether the warm-up is over. Reads the epoch.
  bool on(const TrainContext& context) const { return warm_up_epochs == 0 || context.epoch > warm_up_epochs; }
  /// (N): a of the teacher's logits for adversarial images. A constant.
  Var trust(Tape& tape, const Tensor& teacher, const Tensor& labels) const;
  /// (1): the term above, from the student's logits.
  Var loss(Tape& tape, const Var& adversarial, const Var& clean, const Var& trust) const;
};

}  // namespace temper
