#pragma once
#include <string>

namespace temper {

/// The path of a file or folder that Temper ships, e.g. "data/fashion-mnist": looked for beside the running program
/// (../share/temper), where Temper was installed, and in the source tree it was built from, in this order.
/// Throws Error naming the places when it is in none.
std::string shipped_path(const std::string& name);

}  // namespace temper
