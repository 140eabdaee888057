#pragma once
#include "attacks/pgd.h"
#include "trainers/methods/parts/attack_bn.h"
#include "trainers/methods/parts/extremes.h"
#include "trainers/trainer.h"

namespace TEMPER_API temper {

/// The discrepancy of Squeeze Training (Li et al. 2023) between the candidates with the lowest and with the highest
/// probability of the label, and the attack that finds them.
struct Squeeze {
  enum class KlGradient : uint8_t { fixed_targets, both_sides };
  enum class Exchange : uint8_t { always, with_clean };
  /// The candidates; of equal ones the first is taken.
  enum : uint8_t { kClean, kCollaborative, kAdversarial };
  /// A ball around each image; the defaults are those of the official code: radius 8/255, 10 steps of 2/255 from
  /// x + 0.001 N(0, 1), not clipped.
  Pgd pgd{{.start = Pgd::Start::gauss001}};
  AttackBn bn = AttackBn::train_no_update;
  KlGradient kl_gradient = KlGradient::fixed_targets;
  Exchange exchange = Exchange::always;

  /// The keys `attack`, `attack_bn`, `kl_gradient` and `exchange` of a method's section.
  void fields(Fields& f);

  /// (N): [KL(p_high || p_low) + KL(p_low || p_high)] / 2 of each sample, where the first argument of each KL takes no
  /// gradient unless kl_gradient is both_sides. `of` has been found for these logits.
  Var discrepancy(Tape& tape, const Extremes& of, const Extremes::Logits& logits) const;

  /// (2N, H, W, C): the adversarial images of a step, then the collaborative ones; made once(). Both begin at random
  /// near x. In each step the discrepancy among {x, x_col, x_adv} is differentiated with respect to all three. Then
  /// x_adv becomes, for each sample, the point of the lowest probability and x_col that of the highest, and both move
  /// so that the discrepancy grows, into the ball and into [0, 1]. With `exchange: with_clean`, as in the official
  /// code, the points stay where they are, though they move along the gradients of those points, in a step in which no
  /// sample of the batch takes x. Costs 2 forward and 3 backward passes per step, and one forward pass of x: it never
  /// moves, so that its logits are computed once and only differentiated again. Does not wait for the device.
  Tensor points(const TrainContext& context, const Batch& batch) const;
};

}  // namespace temper
