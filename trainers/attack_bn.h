#pragma once
#include <omp.h>

#include "attacks/slices.h"
#include "core/config.h"
#include "nn/module.h"
#include "trainers/trainer.h"

namespace temper {

/// How BatchNorm runs inside the attack, the largest silent difference between published methods: with running
/// statistics
/// (`eval`: TRADES, MART, Bag of Tricks), with those of the batch, every forward moving the running ones (`train`:
/// Madry, Rice), or with those of the batch and nothing moved (`train_no_update`: Squeeze Training).
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

/// As attacks/slices.h has it for a small network on a CPU. All at once where samples meet in batch statistics, and
/// where the filters, which every slice reads again, would not stay in a core's cache.
inline int64_t samples_at_a_time(const TrainContext& context, AttackBn bn, const Batch& batch) {
  constexpr int64_t kSmall = 1 << 18;
  const Network& model = context.model;
  if (bn != AttackBn::eval || context.engine.device() != Device::cpu || model.params().numel() > kSmall)
    return batch.size();
  return samples_at_a_time(batch.size(), omp_get_max_threads(), model.activation_bytes(context.engine));
}

}  // namespace temper
