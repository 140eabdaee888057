#pragma once
#include <functional>
#include <string>
#include <vector>

#include "data/published/published.h"

namespace temper {

/// Whether this build can download (libcurl).
bool can_fetch();

/// Progress callback: bytes of `file` downloaded so far, and in total (0: unknown).
using FetchProgress = std::function<void(const std::string& file, int64_t done, int64_t total)>;

/// Downloads the missing files of a published set into the folder `to` and returns the files it now holds. Downloads
/// and their redirects use https only and stop at the known size. A download is written to FILE.part, resumed there
/// after an interruption, and renamed when it is complete and its checksum matches. An archive is unpacked, within the
/// known sizes, and removed. A complete archive that is already in `to` is used without a network. Throws Error, saying
/// what to do, without a network, without space, or if a checksum does not match.
std::vector<std::string> fetch(const Published& set, const std::string& to, const FetchProgress& progress = {});

/// The regular files in an unpacked tar archive. `who` is for messages. Throws Error if it is damaged, or if one would
/// lie outside of the folder that it is unpacked to.
struct TarFile {
  std::string name;  ///< with its folders, as in the archive
  size_t offset = 0, size = 0;
};
std::vector<TarFile> list_tar(const std::string& who, const std::vector<uint8_t>& tar);

}  // namespace temper
