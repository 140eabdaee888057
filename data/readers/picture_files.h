#pragma once
#include <filesystem>
#include <string>
#include <vector>

namespace temper {

/// The pictures of a folder with one sub-folder per class.
struct PictureFiles {
  std::vector<std::string> files;  ///< in the order of their classes, then of their names
  std::vector<int32_t> labels;     ///< the class of each
  std::string passed_over;         ///< other files, counted by ending; empty if there are none
};

/// The class folders of `root` in sorted order, without hidden ones and __MACOSX. Throws Error naming `root`.
std::vector<std::string> class_folders(const std::filesystem::path& root);

/// The pictures in these folders: regular files, not hidden, ending with .jpg, .jpeg, .jpe, .jfif, .png or .webp.
/// Throws Error naming a folder that has no picture, and what it has instead.
PictureFiles list_pictures(const std::filesystem::path& root, const std::vector<std::string>& classes);

}  // namespace temper
