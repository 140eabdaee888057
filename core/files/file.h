#pragma once
#include <chrono>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/runtime/check.h"

namespace TEMPER_API temper {

/// A file cannot be read or written. The message ends with the system's reason.
struct FileError : Error {
  using Error::Error;
};

/// The content of a file. Throws FileError if it cannot be read or is not a regular file. Never waits for a pipe or a
/// device.
std::vector<char> read_file(const std::string& path);

/// The content of a text file that Temper wrote. Throws FileError as read_file(), and if it is larger than 1 GB.
std::string read_text(const std::string& path);
/// The lines of a text file, without line feeds; empty if there is no such file.
std::vector<std::string> read_lines(const std::string& path);

/// Replaces a file atomically: a temporary file in the same folder, fsync, rename, fsync of the folder. A crash at any
/// moment leaves either the old or the new file complete. Throws FileError on failure, and removes the temporary file.
void write_file_atomically(const std::string& path, const std::vector<std::span<const char>>& parts);
void write_text_atomically(const std::string& path, std::string_view text);

/// Gives the file a second name (a hard link), atomically, replacing a file of that name. On a file system without hard
/// links the file is renamed instead.
void name_also(const std::string& path, const std::string& second);

/// Removes temporary files that killed processes left in a folder (write_file_atomically), if they have not been
/// written to for `untouched`. Use 0 only if no process is writing in the folder.
void remove_unfinished(const std::string& folder, std::chrono::seconds untouched = {});

/// An append-only text file with one record per line. Each line is written with one call, whole or not at all.
class Journal {
 public:
  /// Continues after `lines`. A file with other content is replaced atomically by these lines.
  Journal(std::string path, const std::vector<std::string>& lines);
  ~Journal();
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  /// Appends a line. Throws FileError if it cannot be written; the file then ends with the line before.
  void add(std::string_view line);
  /// Flushes the file to disk.
  void sync();

 private:
  std::string path_;
  int fd_;
};

}  // namespace temper
