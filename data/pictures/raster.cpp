#include "data/pictures/raster.h"

#include <fstream>
#include <string_view>

#include "kernels/runtime/check.h"

namespace temper {

Raster make_raster(int64_t height, int64_t width, int white) {
  TEMPER_CHECK(height > 0 && width > 0 && height <= kMostPixels / width, "it announces ", width, " x ", height,
               " pixels, and up to ", kMostPixels, " are read");
  Raster out{.height = static_cast<int>(height), .width = static_cast<int>(width), .channels = 3, .white = white};
  out.bytes.resize(static_cast<size_t>(out.count()) * (white > 255 ? 2 : 1));
  return out;
}

Raster decode_picture(const std::string& path, std::span<const char> file) {
  const std::string_view text(file.data(), file.size());
  try {
    if (text.starts_with("\xff\xd8")) return decode_jpeg(file);
    if (text.starts_with("\x89PNG")) return decode_png(file);
    if (text.starts_with("RIFF") && text.substr(0, 12).ends_with("WEBP")) return decode_webp(file);
    fail("it begins like none of them");
  } catch (const Error& e) {
    fail(path, ": cannot be read as JPEG, PNG or WebP: ", e.what(), "; remove or replace it");
  }
}

bool is_deep(const std::string& path) {
  constexpr size_t kDepthAt = 24;  // after the signature and, in IHDR, the extents
  std::ifstream file(path, std::ios::binary);
  char head[kDepthAt + 1] = "";
  return file.read(head, sizeof head) && std::string_view(head, 4) == "\x89PNG" && head[kDepthAt] == 16;
}

Raster to_grey(const Raster& picture) {
  Raster out{.height = picture.height, .width = picture.width, .channels = 1, .white = picture.white};
  const size_t size = picture.white > 255 ? 2 : 1, count = static_cast<size_t>(out.count());
  out.bytes.resize(count * size);
  const auto value = [&](size_t i) {
    uint16_t v = 0;
    std::memcpy(&v, picture.bytes.data() + i * size, size);
    return uint64_t{v};
  };
  for (size_t i = 0; i < count; ++i) {  // in 65536ths, which add up to 1
    const uint64_t sum = 19595 * value(3 * i) + 38470 * value(3 * i + 1) + 7471 * value(3 * i + 2);
    const auto grey = static_cast<uint16_t>((sum + 32768) >> 16);
    std::memcpy(out.bytes.data() + i * size, &grey, size);
  }
  return out;
}

}  // namespace temper
