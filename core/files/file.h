#pragma once
#include <chrono>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/runtime/check.h"

namespace temper {

/// A file could not be read or written; the text ends with the system's reason.
struct FileError : Error {
  using Error::Error;
};

/// A whole file. Throws FileError if it cannot be read or is no regular file; never waits for a pipe or a device.
std::vector<char> read_file(const std::string& path);

/// A text as Temper writes them, whole. Throws FileError as read_file does, and where it has more than a GB.
std::string read_text(const std::string& path);
/// Its lines without their ends. No lines where there is no such file.
std::vector<std::string> read_lines(const std::string& path);

/// Writes a file so that a crash at any moment leaves either the old one or the new one, complete: a temporary file of
/// its own in the same folder, fsync, rename, fsync of the folder. Throws FileError, and leaves no temporary file, on
/// failure.
void write_file_atomically(const std::string& path, const std::vector<std::span<const char>>& parts);
void write_text_atomically(const std::string& path, std::string_view text);

/// Gives the file a second name, atomically; what had that name before is gone. Where a file system knows no second
/// names, the file loses the first.
void name_also(const std::string& path, const std::string& second);

/// Removes the temporary files that a process killed in write_file_atomically left in a folder, where they have not
/// been written to for so long: 0 is only for whoever knows that nobody is writing there.
void remove_unfinished(const std::string& folder, std::chrono::seconds untouched = {});

/// A text of one record a line that only grows, each line written at once and whole or not at all.
class Journal {
 public:
  /// Goes on behind `lines`. A file that holds anything else is replaced, as by write_file_atomically.
  Journal(std::string path, const std::vector<std::string>& lines);
  ~Journal();
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  /// Throws FileError if it cannot be written; the file then ends with the line before.
  void add(std::string_view line);
  /// Returns when the file is on the disk.
  void sync();

 private:
  std::string path_;
  int fd_;
};

}  // namespace temper
