#pragma once
#include <string>
#include <vector>

#include "workflows/report/run.h"

namespace temper {

/// A number of a run's results with the conditions of its measurement.
struct Measurement {
  const RunReport* run;
  const EvaluationRow* row;
  Measurement(const RunReport& of, const EvaluationRow& in) : run(&of), row(&in) {}

  /// Whether two numbers may be in one column: same label, attack and parameters, images, labels and precision. An
  /// unknown condition equals every other.
  bool alike(const Measurement& other) const;
  /// The number of known conditions.
  int recorded() const;
};

/// Whether two runs were tested on the same images with the same labels, as far as it is known.
bool same_test_images(const RunReport& a, const RunReport& b);

/// Whether two runs' examples are the same images under the same attack.
bool same_examples(const RunReport& a, const RunReport& b);

/// For measurements with one label: the facts that distinguish each, such as "radius 0.1, step 0.01" or "1,000 images".
std::vector<std::string> distinguishing_facts(const std::vector<Measurement>& of_one_label);

}  // namespace temper
