#pragma once
#include <string>

#include "core/engine.h"

namespace TEMPER_API temper {

/// The advice in an error about an image gradient that is not finite while loss and weights are: the likely cause and
/// what to do.
std::string image_fault_advice(const Engine& engine);

}  // namespace temper
