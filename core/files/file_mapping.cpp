#include "core/files/file_mapping.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "core/files/file.h"

namespace temper {

FileMapping::FileMapping(const std::string& path) {
  // O_NONBLOCK: a pipe must not make this wait.
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) throw FileError(cat(path, ": cannot be read: ", std::strerror(errno)));
  struct stat info {};
  const bool regular = ::fstat(fd, &info) == 0 && S_ISREG(info.st_mode);
  const auto size = static_cast<size_t>(info.st_size);
  void* const data = regular && size > 0 ? ::mmap(nullptr, size, PROT_READ, MAP_SHARED, fd, 0) : nullptr;
  const int reason = errno;
  ::close(fd);  // the mapping stays
  if (!regular) throw FileError(cat(path, ": cannot be read: not a regular file"));
  if (data == MAP_FAILED) throw FileError(cat(path, ": cannot be mapped into memory: ", std::strerror(reason)));
  bytes_ = {static_cast<const char*>(data), size};
  // Images are read in random order, so what follows one in the file is not the next to be read.
  if (data) ::madvise(data, size, MADV_RANDOM);
}

FileMapping::~FileMapping() {
  if (!bytes_.empty()) ::munmap(const_cast<char*>(bytes_.data()), bytes_.size());
}

FileMapping::FileMapping(FileMapping&& other) noexcept : bytes_(std::exchange(other.bytes_, {})) {}

void FileMapping::will_read(std::span<const char> part) {
  static const auto page = static_cast<uintptr_t>(::sysconf(_SC_PAGESIZE));
  const auto at = reinterpret_cast<uintptr_t>(part.data());
  const uintptr_t start = at / page * page;
  ::madvise(reinterpret_cast<void*>(start), at + part.size() - start, MADV_WILLNEED);
}

}  // namespace temper
