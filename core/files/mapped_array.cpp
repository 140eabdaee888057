#include "core/files/mapped_array.h"

#include <algorithm>

#include "core/files/zip_directory.h"
#include "core/text.h"

namespace temper {

namespace {

MappedArray in_place(const std::string& who, std::span<const char> file) {
  MappedArray a{.who = who, .header = parse_npy_header(who, file)};
  const NpyHeader& h = a.header;
  TEMPER_CHECK(h.dtype && h.order == NpyHeader::Order::c && h.type[1] != '>', who, ": type ", h.type,
               h.order == NpyHeader::Order::c ? "" : " in Fortran order",
               " cannot be used in place; expected numbers, little endian and in C order: save "
               "numpy.ascontiguousarray(array) again");
  uint64_t bytes = h.item;
  for (const int64_t e : h.shape)
    TEMPER_CHECK(!__builtin_mul_overflow(bytes, static_cast<uint64_t>(e), &bytes), who,
                 ": the .npy header's shape is impossible");
  TEMPER_CHECK(file.size() - h.size >= bytes, who, ": expected ", bytes, " bytes of data for its shape, got ",
               file.size() - h.size, "; the file is damaged");
  a.data = file.subspan(h.size, bytes);
  return a;
}

}  // namespace

MappedArray mapped_array(const std::string& path, const FileMapping& file, const std::vector<std::string>& names) {
  if (path.ends_with(".npy")) return in_place(path, file.bytes());
  std::vector<std::string> found;
  for (const ZipEntry& e : zip_entries(path, file.bytes())) {
    const std::string name = e.name.ends_with(".npy") ? e.name.substr(0, e.name.size() - 4) : e.name;
    found.push_back(name);
    if (std::find(names.begin(), names.end(), name) == names.end()) continue;
    TEMPER_CHECK(e.method == ZipEntry::Method::stored, path, ": ", name,
                 " is compressed, so it cannot be used in place; unpack it once with `unzip ", path,
                 " -d FOLDER`, and name the folder instead");
    return in_place(path + ": " + name, e.data);
  }
  fail(path, ": expected an array '", join(names, "' or '"), "', got ", join(found));
}

}  // namespace temper
