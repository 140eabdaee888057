#pragma once
#include "core/config.h"
#include "trainers/trainer.h"

namespace temper {

/// The `balance` section: how a method that trains on clean and on adversarial images weighs the two, w for the
/// adversarial and 1 - w for the clean ones. AR-AT's rule is w = a^exponent, a being the accuracy on the first `images`
/// augmented training images of an epoch, rounded up to whole batches, measured before its first step.
struct Balance {
  enum class Rule : uint8_t { automatic, fixed };
  Rule rule = Rule::automatic;
  double weight = 0.5;  ///< w; of the automatic rule, since the last measure()
  double exponent = 1;
  int64_t images = 1000;
  void fields(Fields& f);
  /// Sets the weight for the epoch, where the rule asks for it: a of `pass`.
  void measure(TrainContext& context, const Pass& pass);
};

}  // namespace temper
