// PKWARE's .ZIP File Format Specification (APPNOTE), sections 4.3 and 4.5.3.
#include "core/files/zip_directory.h"

#include <algorithm>
#include <cstring>
#include <string_view>

#include "kernels/runtime/check.h"

namespace temper {

namespace {

constexpr std::string_view kEnd = "PK\x05\x06", kEnd64Locator = "PK\x06\x07", kEnd64 = "PK\x06\x06",
                           kEntry = "PK\x01\x02", kLocal = "PK\x03\x04";
constexpr size_t kEndSize = 22, kLongestComment = 65535, kLocatorSize = 20, kEnd64Size = 56, kEntrySize = 46,
                 kLocalSize = 30;
constexpr uint16_t kZip64 = 1;          // the tag of an extra field
constexpr uint64_t kIn64 = 0xFFFFFFFF;  // stands where a number is in the zip64 extra field

/// Bytes of the archive; reading past their end is an Error.
class Bytes {
 public:
  Bytes(const std::string& who, std::span<const char> bytes) : who_(who), bytes_(bytes) {}

  Bytes part(uint64_t at, uint64_t size) const {
    TEMPER_CHECK(at <= bytes_.size() && size <= bytes_.size() - at, who_,
                 ": the archive is damaged: its directory points past its end");
    return {who_, bytes_.subspan(at, size)};
  }
  template <class T>
  uint64_t number(uint64_t at) const {
    T value;
    std::memcpy(&value, part(at, sizeof value).bytes_.data(), sizeof value);
    return value;
  }
  bool starts_with(std::string_view signature) const {
    return std::string_view(bytes_.data(), bytes_.size()).starts_with(signature);
  }
  void expect(std::string_view signature) const {
    TEMPER_CHECK(starts_with(signature), who_, ": the archive is damaged: its directory is not where it should be");
  }
  std::span<const char> all() const { return bytes_; }
  uint64_t size() const { return bytes_.size(); }

 private:
  const std::string& who_;
  std::span<const char> bytes_;
};

struct Directory {
  uint64_t entries, at;
};

/// The record at the end of the archive, which a comment may follow.
uint64_t find_end(const std::string& who, const Bytes& archive) {
  for (uint64_t back = kEndSize; back <= std::min<uint64_t>(archive.size(), kEndSize + kLongestComment); ++back)
    if (archive.part(archive.size() - back, kEndSize).starts_with(kEnd)) return archive.size() - back;
  fail(who, ": not an .npz file: it has no directory of a ZIP archive");
}

Directory directory(const std::string& who, const Bytes& archive) {
  const uint64_t at = find_end(who, archive);
  const Bytes end = archive.part(at, kEndSize);
  if (at < kLocatorSize || !archive.part(at - kLocatorSize, kLocatorSize).starts_with(kEnd64Locator))
    return {end.number<uint16_t>(10), end.number<uint32_t>(16)};
  const Bytes end64 = archive.part(archive.part(at - kLocatorSize, kLocatorSize).number<uint64_t>(8), kEnd64Size);
  end64.expect(kEnd64);
  return {end64.number<uint64_t>(32), end64.number<uint64_t>(48)};
}

/// The numbers of an entry that do not fit 32 bits, in the order of the zip64 extra field.
void read_zip64(const Bytes& extra, std::initializer_list<uint64_t*> numbers) {
  for (uint64_t at = 0; at + 4 <= extra.size();) {
    const uint64_t tag = extra.number<uint16_t>(at), size = extra.number<uint16_t>(at + 2);
    const Bytes field = extra.part(at + 4, size);
    uint64_t next = 0;
    if (tag == kZip64)
      for (uint64_t* n : numbers)
        if (*n == kIn64) *n = field.number<uint64_t>(8 * next++);
    at += 4 + size;
  }
}

}  // namespace

std::vector<ZipEntry> zip_entries(const std::string& who, std::span<const char> file) {
  const Bytes archive(who, file);
  const Directory all = directory(who, archive);
  std::vector<ZipEntry> out;
  uint64_t at = all.at;
  for (uint64_t i = 0; i < all.entries; ++i) {
    const Bytes entry = archive.part(at, kEntrySize);
    entry.expect(kEntry);
    const uint64_t name = entry.number<uint16_t>(28), extra = entry.number<uint16_t>(30),
                   comment = entry.number<uint16_t>(32);
    uint64_t size = entry.number<uint32_t>(24), packed = entry.number<uint32_t>(20), local = entry.number<uint32_t>(42);
    read_zip64(archive.part(at + kEntrySize + name, extra), {&size, &packed, &local});
    const Bytes header = archive.part(local, kLocalSize);
    header.expect(kLocal);
    const uint64_t data = local + kLocalSize + header.number<uint16_t>(26) + header.number<uint16_t>(28);
    const std::span<const char> text = archive.part(at + kEntrySize, name).all();
    out.push_back({.name = {text.begin(), text.end()},
                   .method = entry.number<uint16_t>(10) == 0 ? ZipEntry::Method::stored : ZipEntry::Method::compressed,
                   .data = archive.part(data, packed).all()});
    at += kEntrySize + name + extra + comment;
  }
  return out;
}

}  // namespace temper
