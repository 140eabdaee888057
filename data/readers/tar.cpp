// Not by libarchive: Debian's needs libxml2 and ICU, 37 MB that would have to travel with the programs for a GPU
// (scripts/gpu_bundle, at most 40 MiB).
#include <charconv>
#include <cstring>
#include <string_view>

#include "data/published/fetch.h"

namespace temper {

namespace {

constexpr size_t kBlock = 512;

std::string_view text(const uint8_t* field, size_t width) {
  const char* at = reinterpret_cast<const char*>(field);
  return {at, strnlen(at, width)};
}

}  // namespace

std::vector<TarFile> list_tar(const std::string& who, const std::vector<uint8_t>& tar) {
  std::vector<TarFile> out;
  for (size_t at = 0; at + kBlock <= tar.size() && tar[at] != 0;) {
    const uint8_t* header = tar.data() + at;
    std::string_view digits = text(header + 124, 12);
    digits.remove_prefix(std::min(digits.find_first_not_of(' '), digits.size()));
    digits = digits.substr(0, digits.find(' '));
    size_t size = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), size, 8);
    TEMPER_CHECK(
        error == std::errc() && end == digits.data() + digits.size() && std::memcmp(header + 257, "ustar", 5) == 0, who,
        ": is not a tar archive, or damaged at byte ", at);
    at += kBlock;
    TEMPER_CHECK(size <= tar.size() - at, who, ": is truncated: ", text(header, 100), " needs ", size, " bytes, ",
                 tar.size() - at, " are left");
    const std::string_view prefix = text(header + 345, 155);
    if (header[156] == '0' || header[156] == 0) {
      const std::string name = cat(prefix, prefix.empty() ? "" : "/", text(header, 100));
      TEMPER_CHECK(!name.starts_with('/') && ("/" + name + "/").find("/../") == std::string::npos, who,
                   ": has a file '", name, "' that lies outside of its folder; nothing was unpacked");
      out.push_back({name, at, size});
    }
    at += (size + kBlock - 1) / kBlock * kBlock;
  }
  return out;
}

}  // namespace temper
