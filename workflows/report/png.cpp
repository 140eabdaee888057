#include "workflows/report/png.h"

#include <zlib.h>

#include <algorithm>
#include <cmath>

#include "kernels/runtime/check.h"

namespace temper {

namespace {

void put_u32(std::string& out, uint32_t v) {
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(v >> shift & 255);
}

const Bytef* raw(const std::string& s) { return reinterpret_cast<const Bytef*>(s.data()); }

void put_chunk(std::string& out, const std::string& type, const std::string& data) {
  put_u32(out, static_cast<uint32_t>(data.size()));
  const std::string body = type + data;
  out += body;
  put_u32(out, static_cast<uint32_t>(crc32(0, raw(body), static_cast<uInt>(body.size()))));
}

}  // namespace

std::string encode_png(const Picture& p) {
  TEMPER_CHECK(p.channels == 1 || p.channels == 3, "encode_png: expected 1 or 3 channels, got ", p.channels);
  TEMPER_CHECK(p.height > 0 && p.width > 0 && static_cast<int64_t>(p.pixels.size()) == p.height * p.width * p.channels,
               "encode_png: expected ", p.height, " x ", p.width, " x ", p.channels, " bytes, got ", p.pixels.size());
  std::string header;
  put_u32(header, static_cast<uint32_t>(p.width));
  put_u32(header, static_cast<uint32_t>(p.height));
  header += {8, static_cast<char>(p.channels == 1 ? 0 : 2), 0, 0, 0};

  std::string rows;  // every row is preceded by its filter: none
  const int64_t row = p.width * p.channels;
  for (int64_t i = 0; i < p.height; ++i) {
    rows += '\0';
    rows.append(reinterpret_cast<const char*>(p.pixels.data()) + i * row, static_cast<size_t>(row));
  }
  uLongf size = compressBound(static_cast<uLong>(rows.size()));
  std::string packed(size, '\0');
  TEMPER_CHECK(
      compress2(reinterpret_cast<Bytef*>(packed.data()), &size, raw(rows), static_cast<uLong>(rows.size()), 9) == Z_OK,
      "encode_png: zlib failed on ", rows.size(), " bytes");
  packed.resize(size);

  std::string out = "\x89PNG\r\n\x1a\n";
  put_chunk(out, "IHDR", header);
  put_chunk(out, "IDAT", packed);
  put_chunk(out, "IEND", "");
  return out;
}

std::string base64(std::span<const uint8_t> bytes) {
  static constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (size_t i = 0; i < bytes.size(); i += 3) {
    const size_t have = std::min<size_t>(3, bytes.size() - i);
    uint32_t v = 0;
    for (size_t j = 0; j < 3; ++j) v = v << 8 | (j < have ? bytes[i + j] : 0u);
    for (size_t j = 0; j < 4; ++j) out += j <= have ? kDigits[v >> (18 - 6 * j) & 63] : '=';
  }
  return out;
}

std::string data_uri(const Picture& picture) {
  const std::string png = encode_png(picture);
  return "data:image/png;base64," + base64({reinterpret_cast<const uint8_t*>(png.data()), png.size()});
}

namespace {
template <class Value>
Picture fill(int64_t height, int64_t width, int64_t channels, size_t got, const char* who, Value value) {
  TEMPER_CHECK(static_cast<int64_t>(got) == height * width * channels, who, ": expected ", height, " x ", width, " x ",
               channels, " values, got ", got);
  Picture p{height, width, channels >= 3 ? 3 : 1, {}};
  for (int64_t i = 0; i < height * width; ++i)
    for (int64_t c = 0; c < p.channels; ++c)
      p.pixels.push_back(static_cast<uint8_t>(std::lround(std::clamp(value(i * channels + c), 0.0, 1.0) * 255)));
  return p;
}
}  // namespace

Picture picture_of(std::span<const float> values, int64_t height, int64_t width, int64_t channels) {
  return fill(height, width, channels, values.size(), "picture_of",
              [&](int64_t i) { return static_cast<double>(values[static_cast<size_t>(i)]); });
}

Picture difference_picture(std::span<const float> a, std::span<const float> b, double gain, int64_t height,
                           int64_t width, int64_t channels) {
  TEMPER_CHECK(a.size() == b.size(), "difference_picture: ", a.size(), " and ", b.size(), " values");
  return fill(height, width, channels, a.size(), "difference_picture", [&](int64_t i) {
    const auto at = static_cast<size_t>(i);
    return 0.5 + gain * (static_cast<double>(b[at]) - static_cast<double>(a[at]));
  });
}

}  // namespace temper
