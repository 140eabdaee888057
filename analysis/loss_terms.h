#pragma once
// Parts of the losses of adversarial training, by name.
#include <string>
#include <vector>

#include "core/config/config.h"
#include "core/tape.h"
#include "core/text.h"

namespace temper {

/// What a loss term is made of: the logits and the tapped features of the images as they are and under attack.
struct LossViews {
  Var natural, robust;
  std::vector<Var> natural_features, robust_features;  ///< (N, channels)
  Tensor labels;
};

/// Two sums of terms, to be differentiated one after the other.
struct LossPair {
  std::vector<std::string> first, second;

  std::string name() const { return join(first, "+") + " vs " + join(second, "+"); }
  void fields(Fields& f);
};

/// The sum of the terms of these names. Throws Error if it depends on no weight.
Var sum_of_terms(Tape& tape, const std::vector<std::string>& names, const LossViews& views);

}  // namespace temper
