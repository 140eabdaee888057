#pragma once
#include <string>
#include <vector>

#include "core/files/file_mapping.h"
#include "core/files/npy.h"

namespace TEMPER_API temper {

/// An array in a mapped file: its header, and its elements as they are in the file.
struct MappedArray {
  std::string who;  ///< file and array, for messages
  NpyHeader header;
  std::span<const char> data;
};

/// The array of a mapped .npy file, or the array of a mapped .npz that has one of these names. Nothing but headers is
/// read. Throws Error, naming the file, if the array does not exist, is compressed, is not in C order and this
/// machine's byte order, or is shorter than its header says.
MappedArray mapped_array(const std::string& path, const FileMapping& file, const std::vector<std::string>& names);

}  // namespace temper
