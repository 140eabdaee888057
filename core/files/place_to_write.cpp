#include "core/files/place_to_write.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "kernels/runtime/check.h"

namespace temper {

namespace fs = std::filesystem;

namespace {

// The folder itself, or the nearest one above it that exists.
fs::path existing(const fs::path& folder) {
  std::error_code ignored;
  fs::path at = fs::absolute(folder, ignored);
  while (!fs::exists(at, ignored) && at.has_relative_path()) at = at.parent_path();
  return at;
}

int64_t megabytes(int64_t bytes) { return (bytes + (1 << 20) - 1) >> 20; }

}  // namespace

void check_writable(const fs::path& folder) {
  const fs::path at = existing(folder);
  std::error_code ignored;
  TEMPER_CHECK(fs::is_directory(at, ignored), folder.string(), ": cannot be made, because ", at.string(),
               " is no folder; choose another with --out");
  // A file without a name leaves nothing behind, but not every file system has such files.
  int fd = ::open(at.c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
  if (fd < 0) {
    std::string probe = (at / ".temper-write-XXXXXX").string();
    fd = ::mkstemp(probe.data());
    if (fd >= 0) ::unlink(probe.c_str());
  }
  TEMPER_CHECK(fd >= 0, folder.string(), ": cannot be written to: ", at.string(), ": ", std::strerror(errno),
               "; choose another with --out");
  ::close(fd);
}

void check_space(const fs::path& folder, int64_t bytes) {
  std::error_code unknown;
  const fs::space_info info = fs::space(existing(folder), unknown);
  if (!unknown) check_space(folder, bytes, static_cast<int64_t>(info.available));
}

void check_space(const fs::path& folder, int64_t bytes, int64_t free) {
  TEMPER_CHECK(bytes <= free, folder.string(), ": expected ", megabytes(bytes),
               " MB of free disk space for checkpoints, weights and report, got ", free >> 20,
               " MB; make room, or choose another folder with --out");
}

int64_t bytes_below(const fs::path& folder) {
  int64_t sum = 0;
  std::error_code ignored;
  for (fs::directory_iterator at(folder, ignored), end; !ignored && at != end; at.increment(ignored))
    if (at->is_regular_file(ignored)) sum += static_cast<int64_t>(at->file_size(ignored));
  return sum;
}

}  // namespace temper
