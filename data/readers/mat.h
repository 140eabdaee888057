#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace temper {

/// A numeric array of a MATLAB file, as whole numbers from 0 to 255, its first extent varying fastest.
struct MatArray {
  std::string name;
  std::vector<int64_t> extents;
  std::vector<uint8_t> values;
};

/// Reads the real numeric arrays of a MATLAB 5 (version 6 or 7) file, packed or not, in the byte order of this machine;
/// what else such a file can hold is passed over. Throws Error naming `file` if it is damaged, of another version, or
/// holds values that are not whole numbers from 0 to 255.
std::vector<MatArray> parse_mat(const std::string& file, const std::vector<uint8_t>& bytes);

}  // namespace temper
