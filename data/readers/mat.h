#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace temper {

/// A numeric array of a MATLAB file with integers from 0 to 255, in column-major order.
struct MatArray {
  std::string name;
  std::vector<int64_t> extents;
  std::vector<uint8_t> values;
};

/// Reads the real numeric arrays of a MATLAB 5 file (version 6 or 7), compressed or not, in the byte order of this
/// machine; other contents are ignored. Throws Error naming `file` if it is damaged, of another version, or holds
/// values other than integers from 0 to 255.
std::vector<MatArray> parse_mat(const std::string& file, const std::vector<uint8_t>& bytes);

}  // namespace temper
