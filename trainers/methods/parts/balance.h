#pragma once
#include "core/config/config.h"
#include "trainers/trainer.h"

namespace temper {

/// The `balance` section: how a method that trains on clean and on adversarial images weighs the two. AR-AT's rule is
/// w = a^exponent for the adversarial ones, a being the accuracy on the first `images` augmented training images of an
/// epoch, rounded up to whole batches, measured before its first step. The clean ones have, by `clean`,
///   power       (1 - a)^exponent (the code), 1 - w with a fixed w
///   complement  1 - w
///   given       clean_weight
struct Balance {
  enum class Rule : uint8_t { automatic, fixed };
  enum class Clean : uint8_t { power, complement, given };
  Rule rule = Rule::automatic;
  double weight = 0.5;  ///< w; of the automatic rule, since the last measure()
  double exponent = 1;
  int64_t images = 1000;
  Clean clean = Clean::power;
  double clean_weight = 1;  ///< of `given`; of `power` with another exponent than 1, since the last measure()

  void fields(Fields& f);
  /// Sets the weights for the epoch, where the rule asks for it: a of `pass`.
  void measure(TrainContext& context, const Pass& pass);
  double weight_of_clean() const;
  /// "adversarial_weight" and "clean_weight" of the epoch.
  void live_values(const MetricSink& put) const;
  void visit_state(StateVisitor& v, const std::string& name);

 private:
  bool of_accuracy() const { return rule == Rule::automatic && clean == Clean::power; }
  bool powered() const { return of_accuracy() && exponent != 1; }
};

}  // namespace temper
