#include "core/npz.h"

#include <zip.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <memory>
#include <span>
#include <string_view>

#include "core/file.h"

namespace temper {

namespace {

constexpr uint64_t kMaxRatio = 1032;  // what deflate can reach; a damaged size must not become an allocation
constexpr std::string_view kMagic = "\x93NUMPY";
constexpr std::array<std::pair<std::string_view, DType>, 6> kTypes = {{{"<f2", DType::f16},
                                                                       {"<f4", DType::f32},
                                                                       {"<f8", DType::f64},
                                                                       {"<i4", DType::i32},
                                                                       {"<i8", DType::i64},
                                                                       {"|u1", DType::u8}}};

/// What follows "'KEY':" in the header, a Python dictionary written by NumPy in one fixed form.
std::string_view value_of(const std::string& who, std::string_view header, const std::string& key) {
  const size_t at = header.find("'" + key + "':");
  TEMPER_CHECK(at != std::string_view::npos, who, ": the .npy header has no '", key, "'");
  std::string_view rest = header.substr(at + key.size() + 3);
  while (!rest.empty() && rest.front() == ' ') rest.remove_prefix(1);
  return rest;
}

DType type_of(const std::string& who, std::string_view header) {
  const std::string_view value = value_of(who, header, "descr");
  for (const auto& [text, type] : kTypes)
    if (value.size() > text.size() && value.substr(1, text.size()) == text) return type;
  fail(who, ": type ", value.substr(0, value.find(',')),
       " is not supported; expected '<f2', '<f4', '<f8', '<i4', '<i8' or "
       "'|u1': convert it with array.astype(...)");
}

std::vector<int64_t> shape_of(const std::string& who, std::string_view header) {
  const std::string_view value = value_of(who, header, "shape");
  const size_t close = value.find(')');
  TEMPER_CHECK(!value.empty() && value.front() == '(' && close != std::string_view::npos, who,
               ": the .npy header's shape is malformed");
  std::vector<int64_t> shape;
  for (const char *at = value.data() + 1, *end = value.data() + close; at < end;) {
    if (*at == ' ' || *at == ',') {
      ++at;
      continue;
    }
    int64_t extent = -1;
    const auto [next, error] = std::from_chars(at, end, extent);
    TEMPER_CHECK(error == std::errc() && extent >= 0, who, ": the .npy header's shape is malformed");
    shape.push_back(extent);
    at = next;
  }
  return shape;
}

NamedArray parse_npy(const std::string& who, std::string name, std::span<const char> file) {
  TEMPER_CHECK(file.size() >= 10 && std::string_view(file.data(), kMagic.size()) == kMagic, who,
               ": not a .npy file: it does not start with \\x93NUMPY");
  const bool wide = file[6] >= 2;  // version 1 counts the header in 2 bytes, later ones in 4
  uint32_t length = 0;
  const size_t start = wide ? 12 : 10;
  TEMPER_CHECK(file.size() >= start, who, ": the file is truncated within its header");
  std::memcpy(&length, file.data() + 8, wide ? 4 : 2);
  TEMPER_CHECK(file.size() >= start + length, who, ": the file is truncated within its header");
  const std::string_view header(file.data() + start, length);
  NamedArray a{.name = std::move(name), .dtype = type_of(who, header), .shape = shape_of(who, header)};
  TEMPER_CHECK(value_of(who, header, "fortran_order").starts_with("False"), who,
               ": the array is in Fortran order; save np.ascontiguousarray(array) instead");
  const auto data = file.subspan(start + length);
  auto bytes = static_cast<int64_t>(size_of(a.dtype));
  for (const int64_t e : a.shape)
    TEMPER_CHECK(!__builtin_mul_overflow(bytes, e, &bytes), who, ": the .npy header's shape is impossible");
  TEMPER_CHECK(static_cast<int64_t>(data.size()) == bytes, who, ": expected ", bytes,
               " bytes of data for its shape, got ", data.size(), "; the file is damaged");
  a.bytes.assign(data.begin(), data.end());
  return a;
}

std::vector<char> npy_header(const NamedArray& a) {
  const auto type = std::find_if(kTypes.begin(), kTypes.end(), [&](const auto& t) { return t.second == a.dtype; });
  TEMPER_CHECK(type != kTypes.end(), "array '", a.name, "': NumPy has no type ", a.dtype, "; convert it to f32 first");
  TEMPER_CHECK(static_cast<int64_t>(a.bytes.size()) == a.numel() * static_cast<int64_t>(size_of(a.dtype)), "array '",
               a.name, "' has ", a.bytes.size(), " bytes, which do not fit its shape");
  std::string shape;
  for (const int64_t e : a.shape) shape += cat(shape.empty() ? "" : " ", e, ",");
  if (a.shape.size() > 1) shape.pop_back();
  std::string text = cat("{'descr': '", type->first, "', 'fortran_order': False, 'shape': (", shape, "), }");
  text.resize((10 + text.size() + 1 + 63) / 64 * 64 - 11, ' ');  // NumPy aligns the data to 64 bytes
  text += '\n';
  const auto length = static_cast<uint16_t>(text.size());
  std::string out = cat(kMagic, '\x01', '\0');
  out.append(reinterpret_cast<const char*>(&length), sizeof length);
  out += text;
  return {out.begin(), out.end()};
}

using Archive = std::unique_ptr<zip_t, void (*)(zip_t*)>;

Archive open_archive(const std::string& path, int flags) {
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

std::vector<char> read_entry(const std::string& who, zip_t* z, zip_uint64_t i, zip_uint64_t size) {
  std::vector<char> bytes(size);
  const std::unique_ptr<zip_file_t, int (*)(zip_file_t*)> f(zip_fopen_index(z, i, 0), zip_fclose);
  TEMPER_CHECK(f, who, ": cannot be read: ", zip_strerror(z));
  zip_int64_t n = 0;
  for (size_t at = 0; at < bytes.size(); at += static_cast<size_t>(n)) {
    n = zip_fread(f.get(), bytes.data() + at, bytes.size() - at);
    TEMPER_CHECK(n > 0, who, ": the file is damaged: ", zip_file_strerror(f.get()));
  }
  char past;  // reading to the end is what makes libzip verify the checksum
  TEMPER_CHECK(zip_fread(f.get(), &past, 1) == 0, who, ": the file is damaged: ", zip_file_strerror(f.get()));
  return bytes;
}

}  // namespace

NamedArray load_npy(const std::string& path) { return parse_npy(path, "", read_file(path)); }

void save_npy(const std::string& path, const NamedArray& array) {
  write_file_atomically(path, {npy_header(array), array.bytes});
}

std::vector<NamedArray> load_npz(const std::string& path) {
  const Archive z = open_archive(path, ZIP_RDONLY);
  std::vector<NamedArray> arrays;
  for (zip_int64_t i = 0; i < zip_get_num_entries(z.get(), 0); ++i) {
    zip_stat_t info;
    TEMPER_CHECK(zip_stat_index(z.get(), static_cast<zip_uint64_t>(i), 0, &info) == 0, path,
                 ": cannot be read: ", zip_strerror(z.get()));
    std::string name = info.name;
    TEMPER_CHECK(info.size / kMaxRatio <= info.comp_size, path, ": ", name, ": the file is damaged: ", info.size,
                 " bytes cannot come from ", info.comp_size);
    const std::string who = cat(path, ": ", name);
    if (name.ends_with(".npy")) name.resize(name.size() - 4);
    arrays.push_back(parse_npy(who, name, read_entry(who, z.get(), info.index, info.size)));
  }
  return arrays;
}

void save_npz(const std::string& path, const std::vector<NamedArray>& arrays) {
  std::vector<std::vector<char>> files;
  for (const NamedArray& a : arrays) {
    files.push_back(npy_header(a));
    files.back().insert(files.back().end(), a.bytes.begin(), a.bytes.end());
  }
  Archive z = open_archive(path, ZIP_CREATE | ZIP_TRUNCATE);
  for (size_t i = 0; i < files.size(); ++i) {
    zip_source_t* source = zip_source_buffer(z.get(), files[i].data(), files[i].size(), 0);
    const zip_int64_t at = zip_file_add(z.get(), (arrays[i].name + ".npy").c_str(), source, ZIP_FL_ENC_UTF_8);
    TEMPER_CHECK(at >= 0, path, ": array '", arrays[i].name, "' cannot be added: ", zip_strerror(z.get()));
    zip_set_file_compression(z.get(), static_cast<zip_uint64_t>(at), ZIP_CM_STORE, 0);
  }
  TEMPER_CHECK(zip_close(z.get()) == 0, path, ": cannot be written: ", zip_strerror(z.get()));
  z.release();
}

}  // namespace temper
