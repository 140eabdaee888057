#include "data/published/published.h"

#include <openssl/evp.h>
#include <zlib.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <sstream>

#include "core/files/paths.h"
#include "core/text.h"

namespace temper {

namespace fs = std::filesystem;

std::string data_folder() {
  if (const char* folder = std::getenv("TEMPER_DATA"); folder && *folder) return folder;
  const char* home = std::getenv("HOME");
  return (fs::path(home ? home : ".") / ".local/share/temper").string();
}

std::string sha256(const void* data, size_t bytes) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int length = 0;
  TEMPER_CHECK(EVP_Digest(data, bytes, digest, &length, EVP_sha256(), nullptr) == 1,
               "sha256: the system's OpenSSL does not compute it");
  std::string hex;
  for (unsigned int i = 0; i < length; ++i) {
    hex += "0123456789abcdef"[digest[i] >> 4];
    hex += "0123456789abcdef"[digest[i] & 15];
  }
  return hex;
}

std::vector<uint8_t> read_unpacked(const std::string& path, uint64_t most) {
  std::error_code none;
  TEMPER_CHECK(!fs::is_directory(path, none), path, ": cannot be read; expected a file, got a folder");
  TEMPER_CHECK(fs::is_regular_file(path, none), path, ": cannot be read; is the path right?");
  const std::unique_ptr<gzFile_s, int (*)(gzFile)> file(gzopen(path.c_str(), "rb"), gzclose_r);
  TEMPER_CHECK(file, path, ": cannot be read; is the path right?");
  std::vector<uint8_t> bytes;
  size_t used = 0;
  for (int n = 1; n > 0; used += n) {
    bytes.resize(std::max<size_t>(used + used / 2, 1 << 20));
    n = gzread(file.get(), bytes.data() + used, static_cast<unsigned>(std::min<size_t>(bytes.size() - used, 1 << 30)));
    int error = Z_OK;
    const char* text = gzerror(file.get(), &error);
    TEMPER_CHECK(n >= 0 && (error == Z_OK || error == Z_STREAM_END), path,
                 ": is truncated or damaged: it cannot be unpacked (", text, "); fetch it again");
    TEMPER_CHECK(used + n <= most || gzdirect(file.get()), path, ": unpacks to more than ", most,
                 " bytes; is it the right file? If so, unpack it with gunzip");
  }
  bytes.resize(used);
  return bytes;
}

void PublishedFiles::fields(Fields& f) {
  f("path", path_, cat("folder with the files; empty: ", "$TEMPER_DATA/", set_.name).c_str());
  f.choice("verify", verify_, {{"official", Verify::official}, {"form", Verify::form}},
           "official: only the published files, by checksum; form: any files of that format");
}

std::vector<std::string> PublishedFiles::places() const {
  const fs::path root = path_.empty() ? fs::path(data_folder()) / set_.name : fs::path(path_);
  std::vector<std::string> all = {root.string()};
  if (!set_.folder.empty()) all.push_back((root / set_.folder).string());
  if (path_.empty() && !set_.installed.empty()) all.push_back(set_.installed);
  return all;
}

std::string PublishedFiles::find(const std::string& name) const {
  std::error_code ignored;
  for (const std::string& place : places())
    for (const char* ending : {"", ".gz"}) {
      const fs::path file = fs::path(place) / (name + ending);
      if (fs::is_regular_file(file, ignored)) return file.string();
    }
  if (!set_.shipped.empty() && path_.empty()) return shipped_path(set_.shipped + "/" + name + ".gz");
  return {};
}

std::optional<DataSize> PublishedFiles::size() const {
  return verify_ == Verify::official ? std::optional(set_.size) : std::nullopt;
}

std::vector<uint8_t> PublishedFiles::read(const std::string& name) const {
  const std::string file = find(name);
  TEMPER_CHECK(!file.empty(), set_.name, ": ", name, "(.gz) was found in none of ", join(places()),
               set_.downloads.empty()
                   ? "; leave data.path empty to use the shipped files"
                   : cat("; run `temper data fetch ", set_.name, "`, or set data.path to the folder that holds it"));
  const auto known = std::find_if(set_.files.begin(), set_.files.end(), [&](auto& f) { return f.name == name; });
  const bool verified = verify_ == Verify::official && known != set_.files.end() && !known->sha256.empty();
  std::vector<uint8_t> bytes = read_unpacked(file, verified ? known->bytes : kMostUnpacked);
  if (!verified) return bytes;
  const std::string got = sha256(bytes.data(), bytes.size());
  TEMPER_CHECK(got == known->sha256, file, ": expected the published file with SHA-256 ", known->sha256, ", got ",
               bytes.size(), " bytes with SHA-256 ", got,
               "; fetch it again, or set data.verify: form to use it anyway");
  return bytes;
}

std::vector<std::string> PublishedFiles::read_lines(const std::string& name) const {
  const std::string file = find(name);
  if (file.empty()) return {};
  const std::vector<uint8_t> bytes = read_unpacked(file);
  std::istringstream in(std::string(bytes.begin(), bytes.end()));
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);)
    if (!line.empty()) lines.push_back(line);
  return lines;
}

const Published& published(const std::string& name) {
  std::vector<std::string> names;
  for (const Published& set : published_sets()) {
    if (set.name == name) return set;
    names.push_back(set.name);
  }
  fail("unknown data set '", name, "'", did_you_mean(name, names), " (known: ", join(names), ")");
}

}  // namespace temper
