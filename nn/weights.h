#pragma once
#include <string>
#include <vector>

#include "core/files/safetensors.h"
#include "nn/module.h"

namespace temper {

/// A network's numbers as PyTorch's state_dict has them: same names, filters transposed from (K, R, S, C) to (K, C, R,
/// S).
std::vector<NamedArray> export_weights(const Weights& weights);
inline std::vector<NamedArray> export_weights(const Network& network) { return export_weights(network.weights()); }
/// The inverse, for names as match_names() (nn/weight_names.h) understands them; values are converted to the network's
/// type. What is passed over is noted in the network. Throws Error, before anything is changed, listing what is
/// missing, unexpected or of another shape, with the nearest names, or naming a number that no network computes with
/// (nn/weights_check.h); `who` begins the message.
void import_weights(Network& network, const std::vector<NamedArray>& arrays, const std::string& who);

/// Reads and writes weights as .safetensors or .npz, by the file's ending. Arrays of an .npz that hold no numbers are
/// passed over and noted.
void load_weights(Network& network, const std::string& path);
void save_weights(const Weights& weights, const std::string& path);
inline void save_weights(const Network& network, const std::string& path) { save_weights(network.weights(), path); }

}  // namespace temper
