#pragma once
#include "kernels/runtime/dtype.h"
#include "kernels/runtime/team.h"

namespace temper::bench {

/// Operations per second (two for a multiply-add) of all threads of a team on values that never leave the registers:
/// the upper bound for matrix products. 0 if this build has no vector instructions for the type.
double register_flops(Team& team, DType dtype);

}  // namespace temper::bench
