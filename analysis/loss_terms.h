#pragma once
// Terms of the losses of adversarial training, by name.
#include <string>
#include <vector>

#include "core/config/config.h"
#include "core/tape.h"
#include "core/text.h"

namespace temper {

/// The arguments of loss terms: logits and tapped features of clean and adversarial images.
struct LossViews {
  Var natural, robust;
  std::vector<Var> natural_features, robust_features;  ///< (N, channels)
  Tensor labels;
};

/// Two sums of terms, which are differentiated separately.
struct LossPair {
  std::vector<std::string> first, second;

  std::string name() const { return join(first, "+") + " vs " + join(second, "+"); }
  void fields(Fields& f);
};

/// The sum of the terms of these names. Throws Error if it depends on no weight.
Var sum_of_terms(Tape& tape, const std::vector<std::string>& names, const LossViews& views);

}  // namespace temper
