#pragma once
#include <string>
#include <vector>

namespace temper {

/// The differences between two resolved configurations (YAML), as "optimizer.lr: 0.1 -> 0.2", without keys that a
/// resumed run may change: how long it trains, what is logged, saved and evaluated, threads, memory, the path of the
/// data.
std::vector<std::string> config_differences(const std::string& before, const std::string& now);

}  // namespace temper
