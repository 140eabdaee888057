#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace temper {

/// Computes a fingerprint: the first 16 hexadecimal digits of the SHA-256 of what was added, in order. 64 bits detect
/// mistakes; they are no protection against an attacker.
class Fingerprinter {
 public:
  Fingerprinter();
  ~Fingerprinter();
  Fingerprinter(const Fingerprinter&) = delete;

  Fingerprinter& add(const void* data, size_t bytes);
  Fingerprinter& add(int64_t value);
  /// Adds the length first, so that two texts differ from their concatenation.
  Fingerprinter& add(std::string_view text);
  /// The fingerprint. To be called once, at the end.
  std::string text();

 private:
  struct Digest;
  std::unique_ptr<Digest> digest_;
};

/// The fingerprint of a file's bytes. Throws Error if it cannot be read.
std::string fingerprint_of_file(const std::string& path);

}  // namespace temper
