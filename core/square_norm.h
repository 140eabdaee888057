#pragma once
#include "core/engine.h"
#include "core/params.h"

namespace TEMPER_API temper {

/// into (1) = the sum of the squares of all elements of a buffer, in its type. The sum is not finite if an element is
/// not, or if the squares overflow.
void square_norm(Engine& engine, const ParamBuffer& buffer, const Tensor& into);

}  // namespace temper
