#pragma once
#include "kernels/runtime/live.h"

namespace temper {

/// How a method weighs two terms of its loss, from one step to the next.
struct TermWeights {
  float first = 0, second = 1;
  bool operator==(const TermWeights&) const = default;
};

/// The same as kernels take them.
struct LiveTermWeights {
  Live<float> first, second;
};

}  // namespace temper
