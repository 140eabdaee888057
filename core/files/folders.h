#pragma once
#include <filesystem>
#include <string_view>

namespace temper {

// Functions of std::filesystem that throw Error, naming the path, where those would throw their own exception: a folder
// without permission, a name that is too long, a cycle of links.

/// Whether the path exists.
bool is_there(const std::filesystem::path& path);
bool is_folder(const std::filesystem::path& path);
/// Makes the folder and its parents, if they do not exist.
void make_folder(const std::filesystem::path& path);

/// write_text_atomically(), after making the folder.
void write_text(const std::filesystem::path& file, std::string_view text);

}  // namespace temper
