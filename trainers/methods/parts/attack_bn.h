#pragma once
#include "core/config/config.h"
#include "nn/module.h"

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

}  // namespace temper
