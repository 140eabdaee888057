#pragma once
#include <string>
#include <vector>

namespace temper {

/// Levenshtein distance.
size_t edit_distance(const std::string& a, const std::string& b);

/// "; did you mean 'radius'?" for the nearest of `known`, or "" when none is near.
std::string did_you_mean(const std::string& got, const std::vector<std::string>& known);

/// "a, b, c"
std::string join(const std::vector<std::string>& parts, const std::string& separator = ", ");

}  // namespace temper
