#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "kernels/runtime/dtype.h"

namespace TEMPER_API temper {

/// A named array for reading and writing files: dense, row by row, little endian.
struct NamedArray {
  std::string name;
  DType dtype = DType::f32;
  std::vector<int64_t> shape;
  std::vector<char> bytes;

  int64_t numel() const;
  friend bool operator==(const NamedArray&, const NamedArray&) = default;
};

using Metadata = std::map<std::string, std::string>;

struct Safetensors {
  std::vector<NamedArray> arrays;  ///< in the order of the file
  Metadata metadata;               ///< without the checksum
};

/// Writes a file in the safetensors format (f32, f64, bf16, i32, i64, u8), atomically (core/files/file.h). The Python
/// package can read it. A CRC-32 of data, names and metadata is added to the metadata as "crc32".
void save_safetensors(const std::string& path, const std::vector<NamedArray>& arrays, const Metadata& metadata = {});

/// Reads any safetensors file of these types. Throws Error if it is truncated, malformed, or has a wrong checksum
/// (files of other programs have no checksum).
Safetensors load_safetensors(const std::string& path);

}  // namespace temper
