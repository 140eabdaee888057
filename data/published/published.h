#pragma once
#include <string>
#include <vector>

#include "core/config/config.h"
#include "core/memory/memory_limit.h"
#include "data/dataset.h"

namespace temper {

/// A file of a published data set. The checksum is of the unpacked content, so it holds for FILE and FILE.gz alike.
struct PublishedFile {
  std::string name;
  std::string sha256;  ///< empty: only the archive's checksum is known
  uint64_t bytes = 0;  ///< unpacked size; if the checksum is empty, the largest size
};

/// A download: a .tar.gz that holds all files, or one file, compressed or not.
struct Download {
  std::string url;     ///< https:// only, for published sets
  std::string sha256;  ///< of the download; empty: only the unpacked file is checked
  uint64_t bytes = 0;  ///< the largest size
};

/// A published data set: its files, where to download them, and their terms of use.
struct Published {
  std::string name;
  std::string folder;  ///< the folder within the archive, which is searched, too
  std::vector<PublishedFile> files;
  std::vector<Download> downloads;
  std::string terms;
  std::vector<std::string> class_names;
  std::string installed = {};  ///< a folder where a system package may have put it
  std::string shipped = {};    ///< path of the files that come with Temper, for shipped_path()
  DataSize size = {};
};

const std::vector<Published>& published_sets();
/// By name. Throws Error with the nearest name.
const Published& published(const std::string& name);

/// official: the files must be the published ones, bit for bit; form: any files of the same format with consistent
/// sizes.
enum class Verify : uint8_t { official, form };

/// The folder of downloaded data sets: $TEMPER_DATA, else ~/.local/share/temper.
std::string data_folder();

/// The files of a published data set on this machine, for the readers of such sets.
class PublishedFiles {
 public:
  explicit PublishedFiles(const std::string& name) : set_(published(name)) {}
  void fields(Fields& f);

  const Published& set() const { return set_; }
  /// The published set's; empty where other files are allowed.
  std::optional<DataSize> size() const;
  Verify verify() const { return verify_; }
  /// The content of file `name` (or `name`.gz, unpacked). Searches `path` or, without it, data_folder()/NAME and the
  /// folders of system packages. Throws Error, naming the folders and what to do, if the file is not found, damaged, or
  /// has a checksum other than the published one.
  std::vector<uint8_t> read(const std::string& name) const;
  /// The lines of a file that may be missing.
  std::vector<std::string> read_lines(const std::string& name) const;
  /// The path of file `name` (or `name`.gz); empty if not found.
  std::string find(const std::string& name) const;
  /// The folders that are searched.
  std::vector<std::string> places() const;

 private:
  const Published& set_;
  std::string path_;
  Verify verify_ = Verify::official;
};

/// The content of a file, unpacked if it is gzip-compressed. Throws Error if the file is missing, truncated or damaged,
/// or would unpack to more than `most` bytes.
std::vector<uint8_t> read_unpacked(const std::string& path, uint64_t most = kMostUnpacked);

/// SHA-256, as 64 hexadecimal digits.
std::string sha256(const void* data, size_t bytes);

}  // namespace temper
