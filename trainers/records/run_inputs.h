#pragma once
#include <string>
#include <vector>

#include "data/published/fingerprint.h"
#include "trainers/records/run_folder.h"

namespace TEMPER_API temper {

/// What a run is trained on beside its configuration, which only names files. Kept in data.json, in every checkpoint
/// and in evaluation.json.
struct RunInputs {
  SetFingerprint train;       ///< the training split as it was read, the images held out among them
  SetFingerprint validation;  ///< the images held out
  std::string weights;        ///< of the file model.weights; empty: none
};

/// Of the file model.weights; empty where there is none, or where it cannot be read, which is said by who loads it.
std::string fingerprint_of_weights(const std::string& file);

/// What differs, one line each: "training images: 45 images -> 24 images". What is not on record differs from nothing.
std::vector<std::string> differences(const RunInputs& was, const RunInputs& is);

/// data.json of a run folder. Nothing is on record where there is no file.
void write_inputs(const RunFolder& folder, const RunInputs& inputs);
RunInputs read_inputs(const RunFolder& folder);

}  // namespace temper
