#pragma once
#include <array>

#include "core/tape.h"

namespace TEMPER_API temper {

/// Of three candidates for every sample of a batch, the one with the lowest probability of the label and the one with
/// the highest; of equal ones the first. The choice is made on the device and no gradient flows through it.
class Extremes {
 public:
  static constexpr int kCandidates = 3;
  using Logits = std::array<Var, kCandidates>;  ///< (N, classes) each
  using Rows = std::array<Tensor, kCandidates>;
  using Choice = Tensor;  ///< (kCandidates, N): 1 where the sample takes the candidate, else 0

  /// Memory for a batch of `samples`, in the engine's arena; find() fills it.
  Extremes(Engine& engine, int64_t samples, DType dtype);
  void find(Tape& tape, const Logits& logits, const Tensor& labels) const;

  /// If no sample takes `candidate`, both choices change: every sample takes `low` as its lowest and `high` as its
  /// highest.
  void unless_taken(Tape& tape, int candidate, int low, int high) const;

  const Choice& lowest() const { return lowest_; }
  const Choice& highest() const { return highest_; }

 private:
  Choice lowest_, highest_;
};

/// Row i of the result is row i of the candidate that sample i takes. The gradient flows to that candidate alone.
Var chosen(Tape& tape, const Extremes::Choice& choice, const Extremes::Logits& from);
/// The same for f32 or f64 tensors of any shape; `to` is none of them.
void choose(Stream stream, const Extremes::Choice& choice, const Extremes::Rows& from, const Tensor& to);

}  // namespace temper
