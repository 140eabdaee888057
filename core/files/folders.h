#pragma once
#include <filesystem>
#include <string_view>

namespace temper {

// What std::filesystem does, with an Error that names the path where it would throw its own: a folder that may not be
// looked into, a name that is too long, links in a circle.

/// Whether anything of that name is there.
bool is_there(const std::filesystem::path& path);
bool is_folder(const std::filesystem::path& path);
/// Makes the folder and those above it; nothing happens where it is there.
void make_folder(const std::filesystem::path& path);

/// Writes a file whole or not at all (write_text_atomically); makes its folder.
void write_text(const std::filesystem::path& file, std::string_view text);

}  // namespace temper
