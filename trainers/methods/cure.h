#pragma once
#include <optional>

#include "trainers/methods/parts/class_targets.h"
#include "trainers/methods/parts/kl_attack.h"
#include "trainers/methods/parts/revision.h"
#include "trainers/methods/parts/rgp.h"

namespace TEMPER_API temper {

/// CURE (Gowda, Zonooz & Arani 2024, "Conserve-Update-Revise to Cure Generalization and Robustness Trade-off"): the
/// terms of TRADES, a consistency loss against a slowly updated copy of the network (the revision model, Revision), and
/// a mask that updates only the weights with prominent gradients in every layer (Rgp). The loss of a step is, with L_CR
/// = KL(p_rev(x) || p(x)) + KL(p_rev(x_adv) || p(x_adv)),
///   total:    CE(x) + beta KL(p(x) || p(x_adv)) + gamma L_CR                     (paper)
///   weighted: alpha CE(x) + (1 - alpha) robust term + gamma L_CR                 (the code's modes rgp, rgp_old and
///                                                                                grad_mode all)
/// Starts from a network trained naturally: model.weights, or warm_up.epochs in the same run.
struct Cure : Trainer {
  enum class StepLoss : uint8_t { total, weighted };
  float beta = 1, gamma = 1;
  StepLoss step_loss = StepLoss::total;
  int64_t warm_up_epochs = 0;
  ClassTargets targets;
  KlAttack attack;
  RgpOptions rgp_options;
  RevisionOptions revision_options;
  std::optional<Rgp> rgp;            ///< empty with rgp.percent 0
  std::optional<Revision> revision;  ///< empty with gamma 0

  void fields(Fields& f) override;
  void check(const Fields& f, int64_t epochs) const override;
  std::vector<const Attack*> attacks() const override { return {&attack.pgd}; }
  void begin(TrainContext& c) override;
  void before_epoch(TrainContext& c) override;
  Var loss(Tape& tape, const Batch& batch, const TrainContext& c) override;
  void write_gradients(TrainContext& c, const Batch& batch, std::span<const GradientBuffer> grads,
                       const Tensor& loss) override;
  std::vector<MethodPart> parts() override;
  void live_values(const MetricSink& put, const TrainContext& c) const override;
  Movement movement(const TrainContext& c) const override;
  void after_step(TrainContext& c, const Batch& batch) override;
  void step_metrics(const MetricSink& to) const override;
  void visit_state(StateVisitor& v) override;

 private:
  /// The loss of a step, split into the terms whose gradients the score needs separately.
  struct Terms {
    Var natural, robust;
    float natural_weight = 1, robust_weight = 0;
    std::optional<Var> rest;
  };
  Terms terms(Tape& tape, const Batch& batch, const TrainContext& c);
  static Var sum(Tape& tape, const Terms& t);
  void separate_gradients(TrainContext& c, const Batch& batch, ParamBuffer& total, const Tensor& loss);
  bool warming_up(const TrainContext& c) const { return warm_up_epochs > 0 && c.epoch <= warm_up_epochs; }

  bool shrinks(const TrainContext& c) const { return revision && revision->is_alias() && !warming_up(c); }

  bool masks_ = false;  ///< whether the last step had a mask
};

}  // namespace temper
