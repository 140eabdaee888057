#pragma once
#include "core/tensor.h"

namespace host {

inline Tensor load() { return {.sides = 3}; }

}  // namespace host
