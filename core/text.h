#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "kernels/runtime/api.h"

namespace TEMPER_API temper {

/// Levenshtein distance.
size_t edit_distance(const std::string& a, const std::string& b);

/// "; did you mean 'radius'?" for the nearest of `known`, or "" when none is near.
std::string did_you_mean(const std::string& got, const std::vector<std::string>& known);

/// `text` made safe for a terminal: control characters other than line feed and tab, characters that change the
/// direction of writing, and invalid UTF-8 become "?".
std::string printable(const std::string& text);

/// A word quoted for a shell, if it needs quotes.
std::string quoted(const std::string& text);

/// "a, b, c"
std::string join(const std::vector<std::string>& parts, const std::string& separator = ", ");

/// The beginning of `text`, for messages: at most 80 characters, and "..." where more follow.
std::string shortened(const std::string& text);

/// "1 epoch", "2 epochs"
std::string counted(int64_t n, const std::string& one);

/// "8,192"
std::string grouped(int64_t n);

/// "0.4 s", "1 min 43 s", "2 h 5 min"
std::string duration(double seconds);

}  // namespace temper
