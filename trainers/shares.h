#pragma once
#include "kernels/runtime/live.h"

namespace temper {

/// w and 1 - w: how a method weighs two terms of its loss.
struct Shares {
  Live<float> first, rest;
};
inline Shares shares_of(float w) { return {w, 1 - w}; }

}  // namespace temper
