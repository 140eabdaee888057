#pragma once
#include <optional>
#include <string>

#include "attacks/driver.h"

namespace temper {

/// Everything that tells one member of the family from another. The presets are values of this.
struct PgdOptions {
  enum class Start : uint8_t { none, uniform, uniform_unclipped, gauss001 };
  enum class Return : uint8_t { last, best_loss, any_success };
  enum class RestartRule : uint8_t { best_loss, any_success };
  enum class Loss : uint8_t { cross_entropy, margin };
  enum class Gradient : uint8_t { unsaturated, pytorch };
  enum class L2Order : uint8_t { ball_first, box_first };

  Norm norm = Norm::linf;
  double radius = 8.0 / 255;  ///< eps, in [0, 1] pixel units
  double step = 2.0 / 255;    ///< alpha; 0: radius / steps
  int steps = 10;
  Start start = Start::uniform;
  int restarts = 1;  ///< runs in total
  /// Which of the steps + 1 points of a run, its start among them, is kept for each sample: the last; the one of
  /// highest loss; the last one that is misclassified, or the last. Ties: the later one.
  Return returns = Return::last;
  /// Which run's last point is kept for each sample, by the same two rules. Where `returns` is not `last`, its rule
  /// covers the points of all runs and this is not used.
  RestartRule restart_rule = RestartRule::best_loss;
  /// L2 only. box_first is TRADES' training attack: into [0, 1], then into the ball; noise where the gradient is zero.
  L2Order l2_order = L2Order::ball_first;
  Loss loss = Loss::cross_entropy;
  /// How cross entropy and KL divergence are differentiated: up to a positive factor for each sample, which no step
  /// here depends on and by which they vanish where the network is sure; or with it, rounded as in PyTorch. Where
  /// samples meet in batch statistics, the latter is used: there such a factor would make another step.
  Gradient gradient = Gradient::unsaturated;
  double kappa = 50;    ///< margin loss only
  double momentum = 0;  ///< MI-FGSM's mu (Dong et al. 2018)
};

/// What each sample of a batch has in place of a PgdOptions' numbers; none: those.
struct PgdPlan {
  Tensor radius = {}, step = {};  ///< (N), of the images' type; the radius scales a uniform start, too
  Tensor steps = {};              ///< (N) i32; more than the options' steps are not made
};

/// Projected gradient descent (Madry et al. 2018) and its relatives: one step of it is FGSM, momentum makes it MI-FGSM,
/// the margin loss makes it what the field's tables call C&W.
///   start:  uniform: U(-radius, radius) per pixel, for L2 a random direction of length U(0, radius), clipped to [0,
///   1];
///           uniform_unclipped: the same, not clipped before the first step; gauss001: 0.001 N(0, 1), not clipped.
///   step:   kernels/pgd_step: along the gradient's sign (Linf) or direction (L2), into the ball, then into [0, 1]
///           (l2_order turns that round).
/// A run costs `steps` forward and backward passes; keeping anything but the last point of the only run costs one more
/// forward pass per run. With batch statistics in the classifier each of them counts.
struct Pgd : Attack, PgdOptions {
  Pgd() = default;
  explicit Pgd(const PgdOptions& options) : PgdOptions(options) {}

  static constexpr Limits kSteps = Limits::between(0, 1e6).usually(0, 1000),
                          kRestarts = Limits::between(1, 1e6).usually(1, 100);

  void fields(Fields& f) override;
  void check(const DataShape& shape) const override;
  std::string describe() const override;
  /// Ascends the configured loss, or descends it towards the batch's targets.
  AttackResult run(const AttackCall& call) const override;
  /// Ascends another objective: what trainers use. batch.labels is read by the any_success rules only.
  AttackResult run(const AttackCall& call, const Objective& objective, const PgdPlan& plan = {}) const;

  /// The parts of run(), for attacks that change one of them: the configured loss, what the driver does, and how images
  /// move.
  Objective objective(const Classifier& classifier) const;
  AttackDrive drives(const PgdPlan& plan = {}) const;
  std::unique_ptr<StepPolicy> policy(const AttackCall& part, const BatchRows& of, const PgdPlan& plan = {}) const;
  /// x = where the first run begins.
  void start_at(Engine& engine, const Batch& batch, const RngStream& random, const Tensor& x) const;

  /// How cross entropy and KL are differentiated in an attack on this classifier.
  Gradient gradient_on(const Classifier& classifier) const {
    return classifier.samples_meet() ? Gradient::pytorch : gradient;
  }
  double step_size() const { return step > 0 ? step : steps > 0 ? radius / steps : 0; }
  /// Whether a run's last point is classified, too, because points or runs are compared.
  bool selects() const { return returns != Return::last || restarts > 1; }

 private:
  struct Problem {
    const char* key;
    std::string text;
  };
  std::optional<Problem> problem() const;
  void check_sizes(const Fields& f) const;
};

}  // namespace temper
