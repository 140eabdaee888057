#pragma once
#include <cstdint>
#include <span>
#include <string>

#include "kernels/runtime/api.h"

namespace TEMPER_API temper {

/// A file mapped into memory, read only. A page is read when it is first touched and may be dropped again, so a file
/// can be larger than the memory. The file must not become shorter while it is mapped. Throws FileError if it cannot be
/// opened or is not a regular file.
class FileMapping {
 public:
  explicit FileMapping(const std::string& path);
  ~FileMapping();
  FileMapping(FileMapping&& other) noexcept;
  FileMapping& operator=(FileMapping&&) = delete;

  std::span<const char> bytes() const { return bytes_; }
  /// Tells the system that these bytes will be read soon, so that it fetches them meanwhile. `part` is part of bytes().
  static void will_read(std::span<const char> part);

 private:
  std::span<const char> bytes_;
};

}  // namespace temper
