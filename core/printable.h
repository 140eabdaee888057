#pragma once
#include <string>

namespace temper {

/// `text` with nothing in it that a terminal obeys or that turns the direction of writing: control characters except
/// the ends of lines, and what is no UTF-8, become "?".
std::string printable(const std::string& text);

/// A word as a shell takes it: in quotes where it needs them.
std::string quoted(const std::string& text);

}  // namespace temper
