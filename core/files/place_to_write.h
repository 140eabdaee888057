#pragma once
#include <cstdint>
#include <filesystem>

namespace temper {

/// Throws Error unless files can be made in `folder`, which need not exist: then in the nearest folder above it that
/// does. Leaves nothing behind.
void check_writable(const std::filesystem::path& folder);

/// Throws Error unless the file system of `folder`, which need not exist, has room for that many bytes more.
void check_space(const std::filesystem::path& folder, int64_t bytes);
/// The same where so many bytes are free.
void check_space(const std::filesystem::path& folder, int64_t bytes, int64_t free);

/// The sizes of all files in a folder; 0 where there is none.
int64_t bytes_below(const std::filesystem::path& folder);

}  // namespace temper
