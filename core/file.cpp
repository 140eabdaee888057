#include "core/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "kernels/runtime/check.h"

namespace temper {

namespace {

struct Descriptor {
  int fd;
  ~Descriptor() {
    if (fd >= 0) ::close(fd);
  }
};

bool write_all(int fd, std::span<const char> part) {
  while (!part.empty()) {
    const ssize_t n = ::write(fd, part.data(), part.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return false;
    part = part.subspan(static_cast<size_t>(n));
  }
  return true;
}

bool write_and_sync(const std::string& path, const std::vector<std::span<const char>>& parts) {
  const Descriptor file{::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644)};
  if (file.fd < 0) return false;
  for (const auto& part : parts)
    if (!write_all(file.fd, part)) return false;
  return ::fsync(file.fd) == 0;
}

void sync_folder(const std::string& path) {
  const std::filesystem::path parent = std::filesystem::path(path).parent_path();
  const Descriptor folder{::open(parent.empty() ? "." : parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (folder.fd >= 0) ::fsync(folder.fd);  // some file systems cannot; the rename has happened all the same
}

}  // namespace

std::vector<char> read_file(const std::string& path) {
  const Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  struct stat info {};
  TEMPER_CHECK(file.fd >= 0 && ::fstat(file.fd, &info) == 0 && S_ISREG(info.st_mode), path,
               ": cannot be read; is the path right?");
  std::vector<char> bytes(static_cast<size_t>(info.st_size));
  for (size_t at = 0; at < bytes.size();) {
    const ssize_t n = ::read(file.fd, bytes.data() + at, bytes.size() - at);
    if (n < 0 && errno == EINTR) continue;
    TEMPER_CHECK(n > 0, path, ": reading stopped after ", at, " of ", bytes.size(), " bytes",
                 n < 0 ? cat(": ", std::strerror(errno)) : "");
    at += static_cast<size_t>(n);
  }
  return bytes;
}

void write_file_atomically(const std::string& path, const std::vector<std::span<const char>>& parts) {
  const std::string temporary = cat(path, ".part", ::getpid());
  if (!write_and_sync(temporary, parts) || std::rename(temporary.c_str(), path.c_str()) != 0) {
    const std::string why = std::strerror(errno);
    ::unlink(temporary.c_str());
    fail(path, ": cannot be written: ", why);
  }
  sync_folder(path);
}

}  // namespace temper
