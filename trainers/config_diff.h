#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace temper {

/// Which keys of two configurations are compared: all, or only those that a resumed run may not change. It may change
/// how long it trains, what is logged, saved and evaluated, threads, memory, where the data files lie.
enum class Keys : uint8_t { all, fixed };

/// The lines in which two resolved configurations (YAML) differ, as "optimizer.lr: 0.1 -> 0.2".
std::vector<std::string> config_differences(const std::string& before, const std::string& now, Keys keys = Keys::fixed);

}  // namespace temper
