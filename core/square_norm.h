#pragma once
#include "core/engine.h"
#include "core/params.h"

namespace temper {

/// into (1) = the sum of the squares of all numbers of a buffer, in its type: not finite if one of them is not, or if
/// they are so large that their squares are not.
void square_norm(Engine& engine, const ParamBuffer& buffer, const Tensor& into);

}  // namespace temper
