#include "core/files/npz.h"

#include <zip.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "core/files/file.h"
#include "core/memory/memory_limit.h"
#include "core/text.h"

namespace temper {

namespace {

constexpr size_t kPiece = size_t{4} << 20;              // read at once
constexpr size_t kHeaderPart = (size_t{1} << 16) + 12;  // NumPy's own headers are smaller

using Zip = std::unique_ptr<zip_t, void (*)(zip_t*)>;

Zip open_zip(const std::string& path, int flags) {
  int code = 0;
  zip_t* z = zip_open(path.c_str(), flags, &code);
  if (!z) {
    zip_error_t error;
    zip_error_init_with_code(&error, code);
    const std::string why = zip_error_strerror(&error);
    zip_error_fini(&error);
    fail(path, ": cannot be opened as .npz: ", why);
  }
  return {z, zip_discard};
}

}  // namespace

struct NpzFile::Archive {
  Zip zip;
  uint64_t file_size;

  zip_stat_t entry(const std::string& who, size_t index) const {
    zip_stat_t info;
    TEMPER_CHECK(zip_stat_index(zip.get(), index, 0, &info) == 0, who, ": cannot be read: ", zip_strerror(zip.get()));
    TEMPER_CHECK(info.comp_size <= file_size && info.size / kMostOfDeflate <= info.comp_size, who,
                 ": the file is damaged: ", info.size, " bytes cannot come from ", info.comp_size, " in a file of ",
                 file_size);
    return info;
  }

  /// The first `most` bytes of an entry, or all of it, with its checksum verified.
  std::vector<char> read(const std::string& who, const zip_stat_t& info, uint64_t most) const {
    const uint64_t size = std::min(info.size, most);
    expect_memory(who, size);
    const std::unique_ptr<zip_file_t, int (*)(zip_file_t*)> f(zip_fopen_index(zip.get(), info.index, 0), zip_fclose);
    TEMPER_CHECK(f, who, ": cannot be read: ", zip_strerror(zip.get()));
    std::vector<char> bytes;
    bytes.reserve(std::min(size, info.comp_size));  // which the file has
    while (bytes.size() < size) {
      const size_t at = bytes.size();
      bytes.resize(at + std::min<uint64_t>(kPiece, size - at));
      const zip_int64_t n = zip_fread(f.get(), bytes.data() + at, bytes.size() - at);
      TEMPER_CHECK(n > 0, who, ": the file is damaged: ", zip_file_strerror(f.get()));
      bytes.resize(at + static_cast<size_t>(n));
    }
    if (size < info.size) return bytes;
    char past;  // reading to the end is what makes libzip verify the checksum
    TEMPER_CHECK(zip_fread(f.get(), &past, 1) == 0, who, ": the file is damaged: ", zip_file_strerror(f.get()));
    return bytes;
  }
};

NpzFile::NpzFile(const std::string& path) : path_(path) {
  std::error_code none;
  const uint64_t size = std::filesystem::file_size(path, none);
  archive_ = std::make_unique<Archive>(Archive{open_zip(path, ZIP_RDONLY), none ? 0 : size});
  zip_t* z = archive_->zip.get();
  std::set<std::string> known;
  for (zip_int64_t i = 0; i < zip_get_num_entries(z, 0); ++i) {
    const char* name = zip_get_name(z, static_cast<zip_uint64_t>(i), 0);
    TEMPER_CHECK(name, path, ": cannot be read: ", zip_strerror(z));
    names_.emplace_back(name);
    if (names_.back().ends_with(".npy")) names_.back().resize(names_.back().size() - 4);
    TEMPER_CHECK(known.insert(names_.back()).second, path, ": two arrays are called '", names_.back(), "'");
  }
}

NpzFile::~NpzFile() = default;
NpzFile::NpzFile(NpzFile&&) noexcept = default;

bool NpzFile::has(const std::string& name) const {
  return std::find(names_.begin(), names_.end(), name) != names_.end();
}

size_t NpzFile::index_of(const std::string& name) const {
  const auto at = std::find(names_.begin(), names_.end(), name);
  TEMPER_CHECK(at != names_.end(), path_, ": expected an array '", name, "', got ", join(names_));
  return static_cast<size_t>(at - names_.begin());
}

bool NpzFile::holds_numbers(const std::string& name) const {
  const zip_stat_t info = archive_->entry(who(name), index_of(name));
  try {
    return parse_npy_header(who(name), archive_->read(who(name), info, kHeaderPart)).dtype.has_value();
  } catch (const Error&) {
    return false;
  }
}

NamedArray NpzFile::read(const std::string& name) const {
  const zip_stat_t info = archive_->entry(who(name), index_of(name));
  return parse_npy(who(name), name, archive_->read(who(name), info, info.size));
}

NamedArray load_npy(const std::string& path) { return parse_npy(path, "", read_file(path)); }

void save_npy(const std::string& path, const NamedArray& array) {
  write_file_atomically(path, {npy_header(array), array.bytes});
}

std::vector<NamedArray> load_npz(const std::string& path) {
  const NpzFile file(path);
  std::vector<NamedArray> arrays;
  for (const std::string& name : file.names()) arrays.push_back(file.read(name));
  return arrays;
}

void save_npz(const std::string& path, const std::vector<NamedArray>& arrays) {
  std::vector<std::vector<char>> files;
  for (const NamedArray& a : arrays) {
    files.push_back(npy_header(a));
    files.back().insert(files.back().end(), a.bytes.begin(), a.bytes.end());
  }
  Zip z = open_zip(path, ZIP_CREATE | ZIP_TRUNCATE);
  for (size_t i = 0; i < files.size(); ++i) {
    zip_source_t* source = zip_source_buffer(z.get(), files[i].data(), files[i].size(), 0);
    const zip_int64_t at = zip_file_add(z.get(), (arrays[i].name + ".npy").c_str(), source, ZIP_FL_ENC_UTF_8);
    TEMPER_CHECK(at >= 0, path, ": array '", arrays[i].name, "' cannot be added: ", zip_strerror(z.get()));
    zip_set_file_compression(z.get(), static_cast<zip_uint64_t>(at), ZIP_CM_STORE, 0);
  }
  TEMPER_CHECK(zip_close(z.get()) == 0, path, ": cannot be written: ", zip_strerror(z.get()));
  static_cast<void>(z.release());  // freed by zip_close
}

}  // namespace temper
