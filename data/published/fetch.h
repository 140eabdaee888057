#pragma once
#include <functional>
#include <string>
#include <vector>

#include "data/published/published.h"

namespace temper {

/// Whether this build can download (libcurl).
bool can_fetch();

/// Called now and then: bytes of `file` had so far, and in all (0: not known).
using FetchProgress = std::function<void(const std::string& file, int64_t done, int64_t total)>;

/// Downloads what is missing of a published set into the folder `to` and returns the files it now holds. A download
/// comes by https, also where the server sends it elsewhere, and ends at the size that is known; it goes to FILE.part,
/// is continued there after an interruption, and gets its name only when complete and its checksum right; an archive is
/// unpacked, within known sizes, and removed. A complete archive that someone has put into `to` is used without a
/// network. Throws Error, saying what to do, without a network, without space, on a wrong checksum.
std::vector<std::string> fetch(const Published& set, const std::string& to, const FetchProgress& progress = {});

/// The regular files in an unpacked tar archive. `who` is for messages. Throws Error if it is damaged, or if one would
/// lie outside of the folder that it is unpacked to.
struct TarFile {
  std::string name;  ///< with its folders, as in the archive
  size_t offset = 0, size = 0;
};
std::vector<TarFile> list_tar(const std::string& who, const std::vector<uint8_t>& tar);

}  // namespace temper
