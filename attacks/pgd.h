#pragma once
#include <optional>
#include <string>

#include "attacks/driver.h"

namespace TEMPER_API temper {

/// All settings of the PGD family. The presets are values of this struct.
struct PgdOptions {
  enum class Start : uint8_t { none, uniform, uniform_unclipped, gauss001, gauss001_clipped };
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
  /// Which of the steps + 1 points of a run (the start counts) is returned for each sample. last: the last; best_loss:
  /// the one of highest loss; any_success: the last misclassified one, or else the last. Ties: the later one.
  Return returns = Return::last;
  /// Which run's last point is returned for each sample, by the same rules. Not used unless `returns` is `last`:
  /// otherwise the rule of `returns` covers the points of all runs.
  RestartRule restart_rule = RestartRule::best_loss;
  /// L2 only: the order of the two projections. box_first, into [0, 1] and then into the ball, is TRADES' training
  /// attack; it adds noise where the gradient is zero.
  L2Order l2_order = L2Order::ball_first;
  Loss loss = Loss::cross_entropy;
  /// How cross entropy and KL divergence are differentiated. unsaturated: without the positive factor per sample that
  /// makes the gradient vanish where the network is confident (no step here depends on that factor); pytorch: with it,
  /// rounded as in PyTorch. With batch statistics `pytorch` is always used, because there the factor changes the step.
  Gradient gradient = Gradient::unsaturated;
  double kappa = 50;    ///< margin loss only
  double momentum = 0;  ///< MI-FGSM's mu (Dong et al. 2018)
};

/// Settings per sample that replace those of PgdOptions. Empty tensors: those of PgdOptions.
struct PgdPlan {
  Tensor radius = {}, step = {};  ///< (N), of the images' type; the radius scales a uniform start, too
  Tensor steps = {};              ///< (N) i32, at most the options' steps
};

/// Projected gradient descent (Madry et al. 2018) and its relatives: FGSM is one step, MI-FGSM adds momentum, and with
/// the margin loss it is the attack that papers call C&W (Linf).
///   start:  uniform: U(-radius, radius) per pixel, for L2 a random direction of length U(0, radius), clipped to [0,
///   1];
///           uniform_unclipped: the same, not clipped before the first step; gauss001: 0.001 N(0, 1), not clipped;
///           gauss001_clipped: clipped.
///   step:   kernels/pgd_step: along the gradient's sign (Linf) or direction (L2), into the ball, then into [0, 1]
///           (l2_order may swap the last two).
/// A run costs `steps` forward and backward passes, and one more forward pass unless the result is the last point of a
/// single run. With batch statistics in the classifier, every forward pass may update the running ones.
struct Pgd : Attack, PgdOptions {
  Pgd() = default;
  explicit Pgd(const PgdOptions& options) : PgdOptions(options) {}

  static constexpr Limits kSteps = Limits::between(0, 1e6).usually(0, 1000),
                          kRestarts = Limits::between(1, 1e6).usually(1, 100);

  void fields(Fields& f) override;
  void check(const DataShape& shape) const override;
  std::string describe() const override;
  /// Maximises the configured loss or, with targets, minimises it towards them.
  AttackResult run(const AttackCall& call) const override;
  /// Maximises another objective, for trainers. Only the any_success rules read batch.labels.
  AttackResult run(const AttackCall& call, const Objective& objective, const PgdPlan& plan = {}) const;

  /// The parts of run(), for attacks that replace one of them: the objective, the settings of the driver, and the
  /// update rule.
  Objective objective(const Classifier& classifier) const;
  AttackDrive drives(const PgdPlan& plan = {}) const;
  std::unique_ptr<StepPolicy> policy(const AttackCall& part, const BatchRows& of, const PgdPlan& plan = {}) const;
  /// x = the starting point of the first run.
  void start_at(Engine& engine, const Batch& batch, const RngStream& random, const Tensor& x) const;

  /// The value of `gradient` that holds for this classifier.
  Gradient gradient_on(const Classifier& classifier) const {
    return classifier.samples_meet() ? Gradient::pytorch : gradient;
  }
  double step_size() const { return step > 0 ? step : steps > 0 ? radius / steps : 0; }
  /// Whether points or runs are compared, which needs a forward pass at the last point of every run.
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
