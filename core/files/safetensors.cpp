#include "core/files/safetensors.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>
#include <limits>
#include <map>
#include <span>

#include "core/files/file.h"
#include "core/files/json.h"
#include "core/text.h"

namespace temper {

using nlohmann::json;

namespace {

constexpr const char* kMetadata = "__metadata__";
constexpr const char* kChecksum = "crc32";
constexpr size_t kMaxHeader = size_t{100} << 20;  // the format's own limit is 100 MB

constexpr std::array<std::pair<const char*, DType>, 7> kTypes = {{{"F32", DType::f32},
                                                                  {"F64", DType::f64},
                                                                  {"BF16", DType::bf16},
                                                                  {"F16", DType::f16},
                                                                  {"I32", DType::i32},
                                                                  {"I64", DType::i64},
                                                                  {"U8", DType::u8}}};

const char* type_name(DType t) {
  return std::find_if(kTypes.begin(), kTypes.end(), [&](const auto& e) { return e.second == t; })->first;
}

DType type_of(const std::string& path, const std::string& array, const std::string& text) {
  for (const auto& [name, type] : kTypes)
    if (text == name) return type;
  fail(path, ": array '", array, "' has type '", text, "'; supported are F32, F64, BF16, F16, I32, I64, U8");
}

// Over the data and then the header without the checksum, keys sorted: the same for every writer of the same contents.
std::string checksum(const std::vector<std::span<const char>>& data, const std::string& text) {
  uLong crc = crc32_z(0, nullptr, 0);
  for (const auto& part : data)  // to zlib a null pointer means: start again
    if (!part.empty()) crc = crc32_z(crc, reinterpret_cast<const Bytef*>(part.data()), part.size());
  crc = crc32_z(crc, reinterpret_cast<const Bytef*>(text.data()), text.size());
  char buffer[16];
  std::snprintf(buffer, sizeof buffer, "%08lx", crc);
  return buffer;
}

std::string without_checksum(json header) {
  if (header.contains(kMetadata)) {
    header[kMetadata].erase(kChecksum);
    if (header[kMetadata].empty()) header.erase(kMetadata);
  }
  return header.dump();
}

// A JSON object of members that are JSON already, as json::dump() writes it. The library's own objects ask for memory
// when they are destroyed, which ends the process where there is none.
std::string object_text(const std::map<std::string, std::string>& members) {
  std::string text;
  for (const auto& [key, value] : members) text += (text.empty() ? "{" : ",") + json(key).dump() + ":" + value;
  return text.empty() ? "{}" : text + "}";
}

std::string header_text(std::map<std::string, std::string> arrays, const Metadata& metadata) {
  std::map<std::string, std::string> texts;
  for (const auto& [key, value] : metadata) texts[key] = json(value).dump();
  if (!texts.empty()) arrays[kMetadata] = object_text(texts);
  return object_text(arrays);
}

json read_header(const std::string& path, const std::vector<char>& file) {
  uint64_t size = 0;
  TEMPER_CHECK(file.size() >= sizeof size, path, ": not a safetensors file: it has only ", file.size(), " bytes");
  std::memcpy(&size, file.data(), sizeof size);
  TEMPER_CHECK(size <= kMaxHeader && file.size() > sizeof size && file[sizeof size] == '{', path,
               ": not a safetensors file: it does not start with a header's length and '{'");
  TEMPER_CHECK(sizeof size + size <= file.size(), path, ": the file is truncated: its header needs ", size,
               " bytes, the file has ", file.size() - sizeof size, "; use the previous generation or fetch it again");
  json header = try_json({file.data() + sizeof size, size});
  TEMPER_CHECK(header.is_object(), path, ": not a safetensors file: its header is not valid JSON");
  return header;
}

int64_t checked_bytes(const std::string& path, const NamedArray& a) {
  int64_t n = static_cast<int64_t>(size_of(a.dtype));
  for (const int64_t e : a.shape)
    TEMPER_CHECK(e >= 0 && !__builtin_mul_overflow(n, e, &n), path, ": array '", a.name, "' has an impossible shape");
  return n;
}

struct Entry {
  NamedArray array;
  uint64_t begin = 0, end = 0;
};

Entry read_entry(const std::string& path, const std::string& name, const json& j) {
  Entry e{.array = {.name = name}};
  try {
    e.array.dtype = type_of(path, name, j.at("dtype").get<std::string>());
    e.array.shape = j.at("shape").get<std::vector<int64_t>>();
    const auto offsets = j.at("data_offsets").get<std::vector<uint64_t>>();
    TEMPER_CHECK(offsets.size() == 2 && offsets[0] <= offsets[1], path, ": array '", name,
                 "' has impossible data_offsets");
    e.begin = offsets[0];
    e.end = offsets[1];
  } catch (const json::exception& what) {
    fail(path, ": the header's entry for array '", name, "' is malformed: ", what.what());
  }
  const auto bytes = static_cast<uint64_t>(checked_bytes(path, e.array));
  TEMPER_CHECK(e.end - e.begin == bytes, path, ": array '", name, "' needs ", bytes,
               " bytes for its shape, its offsets "
               "span ",
               e.end - e.begin);
  return e;
}

}  // namespace

int64_t NamedArray::numel() const {
  int64_t n = 1;
  for (const int64_t e : shape) n *= e;
  return n;
}

void save_safetensors(const std::string& path, const std::vector<NamedArray>& arrays, const Metadata& metadata) {
  std::map<std::string, std::string> header;
  std::vector<std::span<const char>> data;
  uint64_t at = 0;
  for (const NamedArray& a : arrays) {
    const auto bytes = static_cast<uint64_t>(checked_bytes(path, a));
    TEMPER_CHECK(bytes == a.bytes.size(), path, ": array '", a.name, "' needs ", bytes, " bytes for its shape, got ",
                 a.bytes.size());
    TEMPER_CHECK(!header.contains(a.name) && a.name != kMetadata, path, ": two arrays are called '", a.name, "'");
    std::string shape;
    for (const int64_t e : a.shape) shape += cat(shape.empty() ? "" : ",", e);
    header[a.name] = cat("{\"data_offsets\":[", at, ",", at + bytes, "],\"dtype\":\"", type_name(a.dtype),
                         "\",\"shape\":[", shape, "]}");
    at += bytes;
    data.emplace_back(a.bytes);
  }
  Metadata with_checksum = metadata;
  with_checksum.erase(kChecksum);
  with_checksum[kChecksum] = checksum(data, header_text(header, with_checksum));
  std::string text = header_text(header, with_checksum);
  text.resize((text.size() + 7) / 8 * 8, ' ');  // keeps the data aligned for readers that map the file
  const uint64_t size = text.size();
  std::vector<std::span<const char>> parts = {{reinterpret_cast<const char*>(&size), sizeof size}, text};
  parts.insert(parts.end(), data.begin(), data.end());
  write_file_atomically(path, parts);
}

Safetensors load_safetensors(const std::string& path) {
  const std::vector<char> file = read_file(path);
  const json header = read_header(path, file);
  uint64_t header_size = 0;
  std::memcpy(&header_size, file.data(), sizeof header_size);
  const std::span<const char> data = std::span<const char>(file).subspan(sizeof header_size + header_size);

  Safetensors out;
  std::vector<Entry> entries;
  for (const auto& [name, value] : header.items()) {
    if (name != kMetadata) {
      entries.push_back(read_entry(path, name, value));
      continue;
    }
    try {
      out.metadata = value.get<Metadata>();
    } catch (const json::exception&) {
      fail(path, ": the header's __metadata__ must map text to text");
    }
  }
  std::sort(entries.begin(), entries.end(),
            [](const Entry& a, const Entry& b) { return std::tie(a.begin, a.end) < std::tie(b.begin, b.end); });
  uint64_t at = 0;
  for (const Entry& e : entries) {
    TEMPER_CHECK(e.begin == at, path, ": array '", e.array.name, "' begins at byte ", e.begin, " of the data where ",
                 at, " was due: arrays overlap or leave a gap");
    at = e.end;
  }
  TEMPER_CHECK(at <= data.size(), path, ": the file is truncated: its arrays need ", at, " bytes, it has ", data.size(),
               "; use the previous generation or fetch it again");
  TEMPER_CHECK(at == data.size(), path, ": ", data.size() - at, " bytes follow the last array");

  if (const auto expected = out.metadata.find(kChecksum); expected != out.metadata.end()) {
    const std::string got = checksum({data}, without_checksum(header));
    TEMPER_CHECK(got == expected->second, path, ": checksum mismatch: expected ", expected->second, ", got ", got,
                 "; the file is damaged; use the previous generation");
    out.metadata.erase(expected);
  }
  for (Entry& e : entries) {
    const auto bytes = data.subspan(e.begin, e.end - e.begin);
    e.array.bytes.assign(bytes.begin(), bytes.end());
    out.arrays.push_back(std::move(e.array));
  }
  return out;
}

}  // namespace temper
