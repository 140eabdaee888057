#pragma once
#include <string>
#include <vector>

namespace temper {

/// The lines in which two resolved configurations (YAML) differ, as "optimizer.lr: 0.1 -> 0.2", leaving out keys that a
/// resumed run may change: how long it trains, what is logged, saved and evaluated, threads, memory, where the data
/// files lie.
std::vector<std::string> config_differences(const std::string& before, const std::string& now);

}  // namespace temper
