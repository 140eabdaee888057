#pragma once
#include <string>

#include "core/files/safetensors.h"
#include "nn/module.h"

namespace temper {

/// Tells one network's numbers from another's (core/files/fingerprint.h): names, extents and values of all parameters
/// and running statistics, the same whatever device holds them and in a checkpoint of them.
std::string network_fingerprint(Network& network);
std::string network_fingerprint(const Safetensors& checkpoint);

}  // namespace temper
