#pragma once
#include "kernels/runtime/dtype.h"
#include "kernels/runtime/team.h"

namespace temper::bench {

/// Multiply-adds per second times two, of all threads of a team together, on values that never leave the registers:
/// what no matrix product can exceed. 0 where this build has no vector instructions for the type.
double register_flops(Team& team, DType dtype);

}  // namespace temper::bench
