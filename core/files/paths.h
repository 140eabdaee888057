#pragma once
#include <string>

#include "kernels/runtime/api.h"

namespace TEMPER_API temper {

/// The path of a file or folder that comes with Temper, such as "data/fashion-mnist". Searches ../share/temper relative
/// to the running program, the folder where Temper was installed, and the source tree it was built from, in this order.
/// Throws Error, naming these places, if it is in none.
std::string shipped_path(const std::string& name);

}  // namespace temper
