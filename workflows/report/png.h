#pragma once
// Small pictures inside a page: PNG and base64, nothing else.
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace temper {

/// An 8-bit picture, rows of (red, green, blue) or of grey values.
struct Picture {
  int64_t height = 0, width = 0, channels = 0;  ///< channels: 1 or 3
  std::vector<uint8_t> pixels;
};

/// The picture as a PNG file. Throws Error if the extents and the pixels disagree.
std::string encode_png(const Picture& picture);
std::string base64(std::span<const uint8_t> bytes);
/// "data:image/png;base64,...": what an <img> shows without another file.
std::string data_uri(const Picture& picture);

/// A picture from height * width * channels values in [0, 1], rounded to 8 bits. Channels beyond the third are ignored;
/// of two channels only the first is used.
Picture picture_of(std::span<const float> values, int64_t height, int64_t width, int64_t channels);
/// 0.5 + gain * (b - a), clamped: grey where nothing changed.
Picture difference_picture(std::span<const float> a, std::span<const float> b, double gain, int64_t height,
                           int64_t width, int64_t channels);

}  // namespace temper
