#pragma once
#include <cstdint>
#include <filesystem>

namespace temper {

/// Throws Error unless files can be created in `folder` or, if it does not exist, in its nearest existing parent.
/// Leaves no file behind.
void check_writable(const std::filesystem::path& folder);

/// Throws Error unless the file system of `folder`, which need not exist, has `bytes` bytes free.
void check_space(const std::filesystem::path& folder, int64_t bytes);
/// The same, given the number of free bytes.
void check_space(const std::filesystem::path& folder, int64_t bytes, int64_t free);

/// The total size of all files in a folder; 0 if it does not exist.
int64_t bytes_below(const std::filesystem::path& folder);

}  // namespace temper
