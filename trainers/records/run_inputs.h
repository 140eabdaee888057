#pragma once
#include <string>
#include <vector>

#include "data/published/fingerprint.h"
#include "trainers/records/run_folder.h"

namespace TEMPER_API temper {

/// Fingerprints of the inputs of a run, of which its configuration only has the file names. Stored in data.json, in
/// every checkpoint and in evaluation.json.
struct RunInputs {
  SetFingerprint train;       ///< the training split as read, including the held-out images
  SetFingerprint validation;  ///< the held-out images
  SetFingerprint extra = {};  ///< the images of data.extra; unknown: none
  std::string weights;        ///< the file model.weights; empty: none
};

/// The fingerprint of the file model.weights; empty if there is none or it cannot be read (loading it gives the error).
std::string fingerprint_of_weights(const std::string& file);

/// The differences, one line each: "training images: 45 images -> 24 images". An unknown fingerprint equals every
/// other.
std::vector<std::string> differences(const RunInputs& was, const RunInputs& is);

/// data.json of a run folder. All fingerprints are unknown if there is no file.
void write_inputs(const RunFolder& folder, const RunInputs& inputs);
RunInputs read_inputs(const RunFolder& folder);

}  // namespace temper
