#pragma once
#include <filesystem>
#include <string>
#include <vector>

namespace temper {

/// What a folder of folders of pictures holds, one folder a class.
struct PictureFiles {
  std::vector<std::string> files;  ///< in the order of their classes, then of their names
  std::vector<int32_t> labels;     ///< the class of each
  std::string passed_over;         ///< what else is there, counted by ending; empty: nothing
};

/// The class folders of `root` in sorted order. Hidden folders and __MACOSX are none. Throws Error naming `root`.
std::vector<std::string> class_folders(const std::filesystem::path& root);

/// The pictures in those folders: regular files ending with .jpg, .jpeg, .jpe, .jfif, .png or .webp that are not
/// hidden. Throws Error naming a folder that has none, and what it has.
PictureFiles list_pictures(const std::filesystem::path& root, const std::vector<std::string>& classes);

}  // namespace temper
