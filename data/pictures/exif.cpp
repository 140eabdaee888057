#include "data/pictures/exif.h"

#include <algorithm>
#include <optional>
#include <string_view>

namespace temper {

namespace {

enum class Endian : uint8_t { big, little };

/// An unsigned number of `size` bytes at `at`; none past the end.
std::optional<uint32_t> number(std::string_view bytes, size_t at, size_t size, Endian endian) {
  if (at > bytes.size() || size > bytes.size() - at) return std::nullopt;
  uint32_t v = 0;
  for (size_t i = 0; i < size; ++i) {
    const size_t from = at + (endian == Endian::big ? i : size - 1 - i);
    v = v << 8 | static_cast<uint8_t>(bytes[from]);
  }
  return v;
}

/// In a TIFF header with its first directory, as EXIF has it: the value of tag 0x0112.
int orientation_of(std::string_view tiff) {
  constexpr uint32_t kOrientation = 0x0112;
  constexpr size_t kEntry = 12, kValue = 8;
  if (!tiff.starts_with("II") && !tiff.starts_with("MM")) return 1;
  const Endian endian = tiff[0] == 'I' ? Endian::little : Endian::big;
  const auto directory = number(tiff, 4, 4, endian);
  const auto count = directory ? number(tiff, *directory, 2, endian) : std::nullopt;
  for (uint32_t i = 0; count && i < *count; ++i) {
    const size_t entry = size_t{*directory} + 2 + kEntry * i;
    const auto tag = number(tiff, entry, 2, endian), value = number(tiff, entry + kValue, 2, endian);
    if (!tag || !value) return 1;
    if (*tag == kOrientation) return *value >= 1 && *value <= 8 ? static_cast<int>(*value) : 1;
  }
  return 1;
}

}  // namespace

int exif_orientation(std::span<const char> jpeg) {
  constexpr std::string_view kExif("Exif\0\0", 6);
  const std::string_view bytes(jpeg.data(), jpeg.size());
  if (!bytes.starts_with("\xff\xd8")) return 1;
  for (size_t at = 2; at + 4 <= bytes.size() && bytes[at] == '\xff';) {  // segments up to the picture itself
    const auto marker = static_cast<uint8_t>(bytes[at + 1]);
    if (marker == 0xda || marker == 0xd9) return 1;
    const auto size = number(bytes, at + 2, 2, Endian::big);
    if (!size || *size < 2) return 1;
    const std::string_view body = bytes.substr(at + 4, *size - 2);
    if (marker == 0xe1 && body.starts_with(kExif)) return orientation_of(body.substr(kExif.size()));
    at += 2 + *size;
  }
  return 1;
}

Raster upright(const Raster& in, int orientation) {
  if (orientation == 1) return in;
  const bool turned = orientation >= 5;  // rows become columns
  Raster out = in;
  if (turned) std::swap(out.height, out.width);
  const size_t pixel = in.bytes.size() / (static_cast<size_t>(in.height) * in.width);
  for (int y = 0; y < out.height; ++y)
    for (int x = 0; x < out.width; ++x) {
      int u = turned ? x : y, v = turned ? y : x;  // row and column in `in`
      if (orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7) u = in.height - 1 - u;
      if (orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8) v = in.width - 1 - v;
      std::copy_n(in.bytes.begin() + (int64_t{u} * in.width + v) * pixel, pixel,
                  out.bytes.begin() + (int64_t{y} * out.width + x) * pixel);
    }
  return out;
}

}  // namespace temper
