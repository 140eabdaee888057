#pragma once
#include <string>
#include <vector>

namespace temper {

/// Which of a network's arrays each array of a file is.
struct WeightNames {
  std::vector<std::string> keys;         ///< one for each given name; empty: passed over
  std::vector<std::string> passed_over;  ///< given names, but for num_batches_tracked, which says nothing
};

/// Names as PyTorch's habits leave them: what stands before all of them and before none of the network's, such as
/// `module.`, `model.`, `_orig_mod.` or `1.`, is dropped, nested or not; counters (num_batches_tracked, n_averaged), a
/// normalisation's mu, sigma, mean and std, and the sub_block1 that the published Wide ResNets carry unused are passed
/// over where the network has no such array. Throws Error, naming `who`, where two names differ in nothing else.
WeightNames match_names(const std::vector<std::string>& given, const std::vector<std::string>& wanted,
                        const std::string& who);

/// Whether an array of this name is one of a normalisation's constants.
bool is_normalisation(const std::string& name);

}  // namespace temper
