#pragma once
#include "attacks/pgd.h"
#include "attacks/slices.h"
#include "core/config.h"
#include "nn/module.h"
#include "trainers/trainer.h"

namespace temper {

/// How BatchNorm runs inside the attack, the largest silent difference between published methods: with running
/// statistics (`eval`: TRADES, MART, Bag of Tricks), with those of the batch, every forward moving the running ones
/// (`train`: Madry, Rice), or with those of the batch and nothing moved (`train_no_update`: Squeeze Training).
enum class AttackBn : uint8_t { eval, train, train_no_update };

inline void attack_bn_field(Fields& f, AttackBn& bn) {
  f.choice("attack_bn", bn,
           {{"eval", AttackBn::eval}, {"train", AttackBn::train}, {"train_no_update", AttackBn::train_no_update}},
           "BatchNorm inside the attack: running statistics, batch statistics, batch statistics that are not tracked");
}

inline Pass attack_pass(AttackBn bn, int branch = 0) {
  return {.bn = bn == AttackBn::eval ? BnStats::running : BnStats::batch,
          .update = bn == AttackBn::train ? BnUpdate::yes : BnUpdate::no,
          .branch = branch};
}

/// The attack as it runs with `pass`. Where samples meet in batch statistics, a sample's pixels move the losses of
/// others, too, so a factor for each of these losses is another step, not the same one: the gradient is the loss's own.
inline Pgd attack_with(const Pass& pass, Pgd attack) {
  if (pass.bn == BnStats::batch) attack.gradient = Pgd::Gradient::pytorch;
  return attack;
}

/// attack_in_slices() for a network that runs with `pass`.
inline Tensor attack_in_slices(const TrainContext& context, const Pass& pass, const Batch& batch,
                               const std::function<Tensor(Engine&, const BatchSlice&)>& attack) {
  const int64_t rows = samples_at_a_time(context.engine, context.model, pass.bn, batch.size());
  return attack_in_slices(context.engine, batch, rows, attack);
}

}  // namespace temper
