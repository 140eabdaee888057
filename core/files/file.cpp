#include "core/files/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

namespace temper {

namespace {

constexpr const char* kUnfinished = ".part";
constexpr int64_t kLongestText = int64_t{1} << 30;

struct Descriptor {
  int fd;
  ~Descriptor() {
    if (fd >= 0) ::close(fd);
  }
};

// `reason` is an errno.
[[noreturn]] void cannot_be_written(const std::string& path, int reason) {
  const bool full = reason == ENOSPC || reason == EDQUOT;
  throw FileError(cat(path, ": cannot be written: ", std::strerror(reason), full ? "; make room there" : ""));
}

bool write_all(int fd, std::span<const char> part) {
  while (!part.empty()) {
    const ssize_t n = ::write(fd, part.data(), part.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return false;
    part = part.subspan(static_cast<size_t>(n));
  }
  return true;
}

// A name that no file has, for a file that becomes `path`.
std::string unfinished_name(const std::string& path) {
  static std::atomic<int> count{0};
  return cat(path, kUnfinished, ::getpid(), "-", ++count);
}

bool write_and_sync(const std::string& path, const std::vector<std::span<const char>>& parts) {
  const Descriptor file{::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644)};
  if (file.fd < 0) return false;
  for (const auto& part : parts)
    if (!write_all(file.fd, part)) return false;
  return ::fsync(file.fd) == 0;
}

void sync_folder(const std::string& path) {
  const std::filesystem::path parent = std::filesystem::path(path).parent_path();
  const Descriptor folder{::open(parent.empty() ? "." : parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (folder.fd >= 0) ::fsync(folder.fd);  // some file systems cannot; the rename has happened anyway
}

// Non-blocking: opening a pipe without a writer would never return.
Descriptor open_to_read(const std::string& path, struct stat& info) {
  Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)};
  if (file.fd < 0 && (errno == ENOENT || errno == ENOTDIR))
    throw FileError(cat(path, ": cannot be read; is the path right?"));
  if (file.fd < 0 || ::fstat(file.fd, &info) != 0)
    throw FileError(cat(path, ": cannot be read: ", std::strerror(errno)));
  if (!S_ISREG(info.st_mode))
    throw FileError(cat(path, ": cannot be read; expected a file, got ",
                        S_ISDIR(info.st_mode) ? "a folder" : "a pipe, a device or a socket"));
  return file;
}

template <class Bytes>
void read_all(const std::string& path, const Descriptor& file, Bytes& bytes) {
  for (size_t at = 0; at < bytes.size();) {
    const ssize_t n = ::read(file.fd, bytes.data() + at, bytes.size() - at);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0)
      throw FileError(cat(path, ": reading stopped after ", at, " of ", bytes.size(), " bytes",
                          n < 0 ? cat(": ", std::strerror(errno)) : ""));
    at += static_cast<size_t>(n);
  }
}

}  // namespace

std::vector<char> read_file(const std::string& path) {
  struct stat info {};
  const Descriptor file = open_to_read(path, info);
  std::vector<char> bytes(static_cast<size_t>(info.st_size));
  read_all(path, file, bytes);
  return bytes;
}

std::string read_text(const std::string& path) {
  struct stat info {};
  const Descriptor file = open_to_read(path, info);
  if (info.st_size > kLongestText)
    throw FileError(cat(path, ": cannot be read; expected a text of at most 1 GB, got ", info.st_size, " bytes"));
  std::string text(static_cast<size_t>(info.st_size), '\0');
  read_all(path, file, text);
  return text;
}

std::vector<std::string> read_lines(const std::string& path) {
  std::vector<std::string> lines;
  if (!std::filesystem::exists(path)) return lines;
  const std::string text = read_text(path);
  for (size_t from = 0, end = 0; from < text.size(); from = end + 1) {
    end = std::min(text.find('\n', from), text.size());
    lines.push_back(text.substr(from, end - from));
  }
  return lines;
}

void write_file_atomically(const std::string& path, const std::vector<std::span<const char>>& parts) {
  const std::string temporary = unfinished_name(path);
  if (!write_and_sync(temporary, parts) || std::rename(temporary.c_str(), path.c_str()) != 0) {
    const int reason = errno;
    ::unlink(temporary.c_str());
    cannot_be_written(path, reason);
  }
  sync_folder(path);
}

void write_text_atomically(const std::string& path, std::string_view text) {
  write_file_atomically(path, {std::span<const char>(text.data(), text.size())});
}

void name_also(const std::string& path, const std::string& second) {
  const std::string between = unfinished_name(second);
  const bool linked = ::link(path.c_str(), between.c_str()) == 0;
  const bool renamed = std::rename(linked ? between.c_str() : path.c_str(), second.c_str()) == 0;
  const int reason = errno;
  if (linked) ::unlink(between.c_str());  // still there where both names were the file's already
  if (!renamed) cannot_be_written(second, reason);
}

void remove_unfinished(const std::string& folder, std::chrono::seconds untouched) {
  std::error_code ignored;  // a file that remains does no harm
  const auto latest = std::filesystem::file_time_type::clock::now() - untouched;
  for (const auto& entry : std::filesystem::directory_iterator(folder, ignored)) {
    const std::string extension = entry.path().extension().string();
    const bool ours = extension.rfind(kUnfinished, 0) == 0 &&
                      extension.find_first_not_of("0123456789-", std::strlen(kUnfinished)) == std::string::npos;
    if (ours && entry.last_write_time(ignored) <= latest) std::filesystem::remove(entry.path(), ignored);
  }
}

Journal::Journal(std::string path, const std::vector<std::string>& lines) : path_(std::move(path)) {
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  if (!std::filesystem::exists(path_) || read_text(path_) != text) write_text_atomically(path_, text);
  fd_ = ::open(path_.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC);
  if (fd_ < 0) cannot_be_written(path_, errno);
}

Journal::~Journal() { ::close(fd_); }

void Journal::add(std::string_view line) {
  const off_t before = ::lseek(fd_, 0, SEEK_END);
  const std::string text = std::string(line) + "\n";
  if (before >= 0 && write_all(fd_, text)) return;
  const int reason = errno;
  if (before >= 0 && ::ftruncate(fd_, before) != 0) cannot_be_written(path_, errno);
  cannot_be_written(path_, reason);
}

void Journal::sync() {
  if (::fsync(fd_) != 0) cannot_be_written(path_, errno);
}

}  // namespace temper
