#include "data/published.h"

#include <openssl/evp.h>
#include <zlib.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <sstream>

#include "core/paths.h"
#include "core/text.h"

namespace temper {

namespace fs = std::filesystem;

std::string data_folder() {
  if (const char* folder = std::getenv("TEMPER_DATA"); folder && *folder) return folder;
  const char* home = std::getenv("HOME");
  return (fs::path(home ? home : ".") / ".local/share/temper").string();
}

std::string md5(const void* data, size_t bytes) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int length = 0;
  TEMPER_CHECK(EVP_Digest(data, bytes, digest, &length, EVP_md5(), nullptr) == 1,
               "md5: the system's OpenSSL refuses to compute MD5 (FIPS mode?); set data.verify: form");
  std::string hex;
  for (unsigned int i = 0; i < length; ++i) {
    hex += "0123456789abcdef"[digest[i] >> 4];
    hex += "0123456789abcdef"[digest[i] & 15];
  }
  return hex;
}

std::vector<uint8_t> read_unpacked(const std::string& path) {
  const std::unique_ptr<gzFile_s, int (*)(gzFile)> file(gzopen(path.c_str(), "rb"), gzclose_r);
  TEMPER_CHECK(file && fs::is_regular_file(path), path, ": cannot be read; is the path right?");
  std::vector<uint8_t> bytes;
  size_t used = 0;
  for (int n = 1; n > 0; used += n) {
    bytes.resize(std::max<size_t>(2 * used, 1 << 20));
    n = gzread(file.get(), bytes.data() + used, static_cast<unsigned>(std::min<size_t>(bytes.size() - used, 1 << 30)));
    int error = Z_OK;
    const char* text = gzerror(file.get(), &error);
    TEMPER_CHECK(n >= 0 && (error == Z_OK || error == Z_STREAM_END), path,
                 ": is truncated or damaged: it cannot be unpacked (", text, "); fetch it again");
  }
  bytes.resize(used);
  return bytes;
}

void PublishedFiles::fields(Fields& f) {
  f("path", path_, cat("folder with the files; empty: ", "$TEMPER_DATA/", set_.name).c_str());
  f.choice("verify", verify_, {{"official", Verify::official}, {"form", Verify::form}},
           "official: only the published files, by checksum; form: any files of that form");
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

std::vector<uint8_t> PublishedFiles::read(const std::string& name) const {
  const std::string file = find(name);
  TEMPER_CHECK(!file.empty(), set_.name, ": ", name, "(.gz) was found in none of ", join(places()),
               set_.downloads.empty()
                   ? "; leave data.path empty to use the shipped files"
                   : cat("; run `temper data fetch ", set_.name, "`, or set data.path to the folder that holds it"));
  std::vector<uint8_t> bytes = read_unpacked(file);
  for (const PublishedFile& f : set_.files) {
    if (verify_ != Verify::official || f.name != name || f.md5.empty()) continue;
    const std::string got = md5(bytes.data(), bytes.size());
    TEMPER_CHECK(got == f.md5, file, ": expected the published file with MD5 ", f.md5, ", got ", bytes.size(),
                 " bytes with MD5 ", got, "; fetch it again, or set data.verify: form to use it all the same");
  }
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
