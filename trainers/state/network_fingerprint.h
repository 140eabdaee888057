#pragma once
#include <string>

#include "core/files/safetensors.h"
#include "nn/module.h"

namespace temper {

/// A fingerprint (core/files/fingerprint.h) of names, extents and values of all parameters and running statistics of a
/// network. It is the same on every device and for a checkpoint of the network.
std::string network_fingerprint(Network& network);
std::string network_fingerprint(const Safetensors& checkpoint);

}  // namespace temper
