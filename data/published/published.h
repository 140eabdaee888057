#pragma once
#include <string>
#include <vector>

#include "core/config/config.h"
#include "core/memory/memory_limit.h"

namespace temper {

/// A file of a published data set. The checksum is of the unpacked content, so it holds for FILE and FILE.gz alike.
struct PublishedFile {
  std::string name;
  std::string sha256;  ///< empty: only the archive's checksum is known
  uint64_t bytes = 0;  ///< unpacked; where the checksum is empty, the most
};

/// What to download: a .tar.gz that holds the files, or one file each, packed or not.
struct Download {
  std::string url;     ///< https:// alone, for published sets
  std::string sha256;  ///< of what is downloaded; empty: the checksum of the unpacked file decides
  uint64_t bytes = 0;  ///< the most that is downloaded
};

/// A data set with its files, where they are published and on what terms.
struct Published {
  std::string name;
  std::string folder;  ///< the archive's own folder, also looked into
  std::vector<PublishedFile> files;
  std::vector<Download> downloads;
  std::string terms;
  std::vector<std::string> class_names;
  std::string installed = {};  ///< a folder where a system package may have put it
  std::string shipped = {};    ///< where Temper ships it, for shipped_path()
};

const std::vector<Published>& published_sets();
/// By name. Throws Error with the nearest name.
const Published& published(const std::string& name);

/// official: the files must be the published ones, to the bit; form: any files of the same form and consistent sizes.
enum class Verify : uint8_t { official, form };

/// Where downloads go and data sets are looked for: $TEMPER_DATA, else ~/.local/share/temper.
std::string data_folder();

/// The files of a published data set on this machine: what the readers of such sets have in common.
class PublishedFiles {
 public:
  explicit PublishedFiles(const std::string& name) : set_(published(name)) {}
  void fields(Fields& f);

  const Published& set() const { return set_; }
  Verify verify() const { return verify_; }
  /// The content of file `name` (or `name`.gz, unpacked), looked for in `path`, or else in data_folder()/NAME and where
  /// system packages put it. Throws Error naming the places and what to do if it is in none, if it is damaged, or if
  /// its checksum is not the published one.
  std::vector<uint8_t> read(const std::string& name) const;
  /// The same for a file that need not be there: its lines.
  std::vector<std::string> read_lines(const std::string& name) const;
  /// Where file `name` (or `name`.gz) is; empty: nowhere.
  std::string find(const std::string& name) const;
  /// The folders that are looked into.
  std::vector<std::string> places() const;

 private:
  const Published& set_;
  std::string path_;
  Verify verify_ = Verify::official;
};

/// A whole file; one that is gzip-compressed is unpacked. Throws Error if it is missing, truncated or damaged, or
/// unpacks to more than `most` bytes, before it does.
std::vector<uint8_t> read_unpacked(const std::string& path, uint64_t most = kMostUnpacked);

/// The SHA-256 of some bytes, as 64 hexadecimal digits.
std::string sha256(const void* data, size_t bytes);

}  // namespace temper
