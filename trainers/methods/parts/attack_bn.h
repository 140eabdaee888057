#pragma once
#include "core/config/config.h"
#include "nn/module.h"

namespace TEMPER_API temper {

/// The BatchNorm mode inside the attack. Published methods differ in it, often without saying so:
///   eval             running statistics (TRADES, MART, Bag of Tricks)
///   train            batch statistics; every forward pass updates the running ones (Madry, Rice)
///   train_no_update  batch statistics; the running ones stay (Squeeze Training)
enum class AttackBn : uint8_t { eval, train, train_no_update };

inline void attack_bn_field(Fields& f, AttackBn& bn) {
  f.choice("attack_bn", bn,
           {{"eval", AttackBn::eval}, {"train", AttackBn::train}, {"train_no_update", AttackBn::train_no_update}},
           "BatchNorm inside the attack: running statistics; batch statistics; batch statistics that are not tracked");
}

inline Pass attack_pass(AttackBn bn, int branch = 0) {
  return {.bn = bn == AttackBn::eval ? BnStats::running : BnStats::batch,
          .update = bn == AttackBn::train ? BnUpdate::yes : BnUpdate::no,
          .branch = branch};
}

}  // namespace temper
