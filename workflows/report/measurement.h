#pragma once
#include <string>
#include <vector>

#include "workflows/report/run.h"

namespace temper {

/// A number of a run's results, with what it was measured under.
struct Measurement {
  const RunReport* run;
  const EvaluationRow* row;
  Measurement(const RunReport& of, const EvaluationRow& in) : run(&of), row(&in) {}

  /// Whether two numbers may stand in one column: the same label, attack and parameters, images, labels and precision.
  /// What one of them has not on record counts as the same.
  bool alike(const Measurement& other) const;
  /// How much of that is on record.
  int recorded() const;
};

/// Whether two runs were tested on the same images with the same labels, as far as that is on record.
bool same_test_images(const RunReport& a, const RunReport& b);

/// Whether two runs' examples are the same images under the same attack.
bool same_examples(const RunReport& a, const RunReport& b);

/// For measurements of one label, what sets each apart from the others: "radius 0.1, step 0.01", "1,000 images".
std::vector<std::string> distinguishing_facts(const std::vector<Measurement>& of_one_label);

}  // namespace temper
