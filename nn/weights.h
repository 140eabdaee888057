#pragma once
#include <string>
#include <vector>

#include "core/files/safetensors.h"
#include "nn/module.h"

namespace TEMPER_API temper {

/// The weights of a network as in PyTorch's state_dict: same names, filters transposed from (K, R, S, C) to (K, C, R,
/// S).
std::vector<NamedArray> export_weights(const Weights& weights);
inline std::vector<NamedArray> export_weights(const Network& network) { return export_weights(network.weights()); }
/// The inverse. Names are matched by match_names() (nn/weight_names.h), values converted to the network's type; ignored
/// arrays are noted in the network. Throws Error, before anything is changed, listing arrays that are missing,
/// unexpected or of another shape, with the nearest names, or naming an invalid value (nn/weights_check.h). `who`
/// begins the message.
void import_weights(Network& network, const std::vector<NamedArray>& arrays, const std::string& who);

/// Reads and writes weights as .safetensors or .npz, by the file's ending. Arrays of an .npz that are not numeric are
/// ignored and noted.
void load_weights(Network& network, const std::string& path);
void save_weights(const Weights& weights, const std::string& path);
inline void save_weights(const Network& network, const std::string& path) { save_weights(network.weights(), path); }

}  // namespace temper
