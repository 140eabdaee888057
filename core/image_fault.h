#pragma once
#include <string>

#include "core/engine.h"

namespace temper {

/// Why Engine::image_fault() was raised, and what to do.
std::string image_fault_advice(const Engine& engine);

/// Throws Error if `attack` met a gradient of an image that is not finite since this was last asked. Waits for the
/// engine's stream, but only where there is something to ask.
void check_image_gradients(Engine& engine, const std::string& attack);

}  // namespace temper
