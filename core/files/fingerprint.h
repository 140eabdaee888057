#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace temper {

/// Tells one content from another: the first 16 hexadecimal digits of the SHA-256 of what was added, in order. Not for
/// security: 64 bits, against mistakes.
class Fingerprinter {
 public:
  Fingerprinter();
  ~Fingerprinter();
  Fingerprinter(const Fingerprinter&) = delete;

  Fingerprinter& add(const void* data, size_t bytes);
  Fingerprinter& add(int64_t value);
  /// With its length first, so that two texts are not one.
  Fingerprinter& add(std::string_view text);
  /// Call it once, last.
  std::string text();

 private:
  struct Digest;
  std::unique_ptr<Digest> digest_;
};

/// Of a file's bytes. Throws Error if it cannot be read.
std::string fingerprint_of_file(const std::string& path);

}  // namespace temper
