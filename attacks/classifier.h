#pragma once
#include <concepts>
#include <functional>
#include <string>
#include <vector>

#include "nn/module.h"

namespace TEMPER_API temper {

/// The function from images to logits that an attack attacks. A copy refers to the same network.
class Classifier {
 public:
  /// A network in the pass `pass`, whose BatchNorm mode is the caller's decision. `taps` names the features that an
  /// objective uses.
  Classifier(const Network& network, Pass pass, std::vector<std::string> taps = {});
  /// Any function (Tape&, images) -> logits. The logits of a sample must not depend on other samples.
  template <class F>
  requires(std::invocable<const F&, Tape&, const Var&> && !std::derived_from<F, Classifier>) Classifier(F logits)
      : logits_([logits](Tape& tape, const Var& images, Taps*) { return logits(tape, images); }) {}

  /// Logits (N, classes); stores features in `taps` unless it is null.
  Var operator()(Tape& tape, const Var& images, Taps* taps = nullptr) const { return logits_(tape, images, taps); }

  const std::vector<std::string>& taps() const { return taps_; }
  /// Whether BatchNorm uses batch statistics, so that the logits of a sample depend on the others in the batch.
  bool samples_meet() const { return samples_meet_; }
  /// The best size of a slice of a batch (attacks/slices.h).
  int64_t samples_at_a_time(Engine& engine, int64_t samples) const { return at_a_time_(engine, samples); }
  /// A copy with slices of `samples` samples.
  Classifier at_a_time(int64_t samples) const;

 private:
  std::function<Var(Tape&, const Var&, Taps*)> logits_;
  std::function<int64_t(Engine&, int64_t)> at_a_time_ = [](Engine&, int64_t samples) { return samples; };
  std::vector<std::string> taps_;
  bool samples_meet_ = false;
};

}  // namespace temper
