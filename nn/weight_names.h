#pragma once
#include <string>
#include <vector>

#include "kernels/runtime/api.h"

namespace TEMPER_API temper {

/// The mapping from the array names of a file to those of a network.
struct WeightNames {
  std::vector<std::string> keys;         ///< one for each given name; empty: ignored
  std::vector<std::string> passed_over;  ///< ignored names, without num_batches_tracked
};

/// Matches names as PyTorch programs write them. A prefix that all given names have and none of the network's, such as
/// `module.`, `model.`, `_orig_mod.` or `1.`, is dropped, nested or not. Ignored, if the network has no such array, are
/// counters (num_batches_tracked, n_averaged), a normalisation's mu, sigma, mean and std, and the unused sub_block1 of
/// published Wide ResNets. Throws Error, naming `who`, if two given names match one array.
WeightNames match_names(const std::vector<std::string>& given, const std::vector<std::string>& wanted,
                        const std::string& who);

/// Whether an array of this name is a constant of a normalisation.
bool is_normalisation(const std::string& name);

}  // namespace temper
