#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace temper {

/// The content of an IDX file of bytes, as MNIST comes in.
struct Idx {
  std::vector<int64_t> extents;
  std::vector<uint8_t> values;  ///< row by row
};

/// Decodes an unpacked IDX file of unsigned bytes with `rank` extents. `file` is for messages. Throws Error if it is
/// something else or not as long as its extents say.
Idx parse_idx(const std::string& file, std::vector<uint8_t> bytes, int rank);

}  // namespace temper
