#pragma once
#include <concepts>
#include <functional>
#include <string>
#include <vector>

#include "nn/module.h"

namespace temper {

/// What an attack attacks: images to logits. A copy refers to the same network.
class Classifier {
 public:
  /// A network in a pass, whose BatchNorm mode is the caller's decision; `taps` names the features an objective wants
  /// to see.
  Classifier(const Network& network, Pass pass, std::vector<std::string> taps = {});
  /// Any function of a tape and images. No sample's logits may depend on another sample.
  template <class F>
  requires(std::invocable<const F&, Tape&, const Var&> && !std::derived_from<F, Classifier>) Classifier(F logits)
      : logits_([logits](Tape& tape, const Var& images, Taps*) { return logits(tape, images); }) {}

  /// Logits (N, classes); features go to `taps`, where that is given.
  Var operator()(Tape& tape, const Var& images, Taps* taps = nullptr) const { return logits_(tape, images, taps); }

  const std::vector<std::string>& taps() const { return taps_; }
  /// Whether samples meet in batch statistics, so that one sample's pixels move the logits of others.
  bool samples_meet() const { return samples_meet_; }
  /// How many samples of a batch are best attacked at a time (attacks/slices.h).
  int64_t samples_at_a_time(Engine& engine, int64_t samples) const { return at_a_time_(engine, samples); }
  /// The same with another number.
  Classifier at_a_time(int64_t samples) const;

 private:
  std::function<Var(Tape&, const Var&, Taps*)> logits_;
  std::function<int64_t(Engine&, int64_t)> at_a_time_ = [](Engine&, int64_t samples) { return samples; };
  std::vector<std::string> taps_;
  bool samples_meet_ = false;
};

}  // namespace temper
