#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace temper {

/// The content of an IDX file of unsigned bytes, the format of MNIST.
struct Idx {
  std::vector<int64_t> extents;
  std::vector<uint8_t> values;  ///< row by row
};

/// Decodes an unpacked IDX file with `rank` extents; `file` is for messages. Throws Error if it has another format or
/// its length does not match its extents.
Idx parse_idx(const std::string& file, std::vector<uint8_t> bytes, int rank);

}  // namespace temper
