#pragma once
#include <string>

#include "core/engine.h"

namespace temper {

/// Why a gradient of an image is not finite though loss and weights are, and what to do.
std::string image_fault_advice(const Engine& engine);

}  // namespace temper
