#pragma once
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <vector>

namespace temper {

/// A decoded picture, (height, width, channels), with 8 or 16 bits per value.
struct Raster {
  int height = 0, width = 0, channels = 0;
  int white = 255;  ///< the largest value: 255 for one byte each, 65535 for two
  std::vector<uint8_t> bytes;

  int64_t count() const { return int64_t{height} * width * channels; }
  /// Value i in [0, 1], row by row.
  float operator[](int64_t i) const {
    if (white == 255) return static_cast<float>(bytes[static_cast<size_t>(i)]) / 255.f;
    uint16_t v;
    std::memcpy(&v, bytes.data() + 2 * i, sizeof v);
    return static_cast<float>(v) / 65535.f;
  }
};

/// The largest picture that is decoded, 8,192 x 8,192 pixels: the header of a damaged file can claim any size.
constexpr int64_t kMostPixels = int64_t{1} << 26;

// Decoders of one format each, to 3 channels; colours as stored, without alpha. They throw Error if the file is damaged
// or truncated; the message does not name the file.
Raster decode_jpeg(std::span<const char> file);
Raster decode_png(std::span<const char> file);
Raster decode_webp(std::span<const char> file);

/// An empty Raster of those extents with its memory. Throws Error if there are more than kMostPixels.
Raster make_raster(int64_t height, int64_t width, int white = 255);

/// The JPEG, PNG or WebP picture in the bytes of a file, whatever its name ends with. Throws Error naming the file.
Raster decode_picture(const std::string& path, std::span<const char> file);

/// Whether a file is a PNG with more than 8 bits per value. Reads its first bytes only; false for an empty file.
bool is_deep(const std::string& path);

/// The brightness, 0.299 R + 0.587 G + 0.114 B, as one channel.
Raster to_grey(const Raster& picture);

}  // namespace temper
