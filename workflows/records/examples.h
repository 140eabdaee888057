#pragma once
// examples.json of a run folder: the images of the report.
#include <filesystem>
#include <string>
#include <vector>

#include "kernels/runtime/api.h"

namespace TEMPER_API temper {

/// One test image before and after the attack, as data URIs.
struct Example {
  std::string truth, clean_label, attacked_label;
  double clean_confidence = 0, attacked_confidence = 0;
  std::string clean, attacked, difference;
};

struct Examples {
  std::string attack;  ///< its label
  double gain = 1;     ///< by which differences are amplified: the largest one becomes black or white
  std::vector<Example> images;
};

/// The content of the file.
std::string examples_text(const Examples& examples);

/// Reads the file; no images if it does not exist. Throws Error, naming the file, for content that Temper did not
/// write, and for a picture that is not a data URI of a PNG, so that the report page never loads anything.
Examples read_examples(const std::filesystem::path& file);

}  // namespace temper
