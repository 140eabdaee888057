#pragma once
#include "core/config/config.h"
#include "trainers/trainer.h"

namespace TEMPER_API temper {

/// The `balance` section: the loss weights of adversarial and clean images. By AR-AT's rule adversarial images have the
/// weight w = a^exponent, where a is the accuracy on the first `images` augmented training images of an epoch (rounded
/// up to whole batches), measured before its first step. The weight of clean images is, by `clean`,
///   power       (1 - a)^exponent (the code), 1 - w with a fixed w
///   complement  1 - w
///   given       clean_weight
struct Balance {
  enum class Rule : uint8_t { automatic, fixed };
  enum class Clean : uint8_t { power, complement, given };
  Rule rule = Rule::automatic;
  double weight = 0.5;  ///< w; with the automatic rule, as of the last measure()
  double exponent = 1;
  int64_t images = 1000;
  Clean clean = Clean::power;
  double clean_weight = 1;  ///< with `given`, or with `power` and an exponent other than 1, as of the last measure()

  void fields(Fields& f);
  /// With the automatic rule: measures a in `pass` and sets the weights of the epoch.
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
