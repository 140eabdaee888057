#pragma once
#include <span>
#include <string>
#include <vector>

namespace temper {

/// A whole file. Throws Error if it cannot be read.
std::vector<char> read_file(const std::string& path);

/// Writes a file so that a crash at any moment leaves either the old one or the new one, complete: a temporary file in
/// the same folder, fsync, rename, fsync of the folder. Throws Error, and leaves no temporary file, on failure.
void write_file_atomically(const std::string& path, const std::vector<std::span<const char>>& parts);

}  // namespace temper
