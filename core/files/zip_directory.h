#pragma once
#include <span>
#include <string>
#include <vector>

namespace temper {

/// An entry of a ZIP archive, where it lies in the archive.
struct ZipEntry {
  enum class Method : uint8_t { stored, compressed };
  std::string name;
  Method method = Method::stored;
  std::span<const char> data;  ///< as in the archive: the file itself if it is stored
};

/// The entries of a ZIP archive, with the extension for archives and entries beyond 4 GB (zip64), as NumPy writes them.
/// `archive` is the whole file. Throws Error, naming `who`, if it is no archive of one part or is damaged. Checksums
/// are not verified, because that would read everything.
std::vector<ZipEntry> zip_entries(const std::string& who, std::span<const char> archive);

}  // namespace temper
