#include "workflows/report/png.h"

#include <openssl/evp.h>
#include <png.h>

#include <algorithm>
#include <cmath>

#include "kernels/runtime/check.h"

namespace temper {

std::string encode_png(const Picture& p) {
  TEMPER_CHECK(p.channels == 1 || p.channels == 3, "encode_png: expected 1 or 3 channels, got ", p.channels);
  TEMPER_CHECK(p.height > 0 && p.width > 0 && static_cast<int64_t>(p.pixels.size()) == p.height * p.width * p.channels,
               "encode_png: expected ", p.height, " x ", p.width, " x ", p.channels, " bytes, got ", p.pixels.size());
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  image.width = static_cast<png_uint_32>(p.width);
  image.height = static_cast<png_uint_32>(p.height);
  image.format = p.channels == 1 ? PNG_FORMAT_GRAY : PNG_FORMAT_RGB;
  std::string out(PNG_IMAGE_PNG_SIZE_MAX(image), '\0');
  png_alloc_size_t size = out.size();
  TEMPER_CHECK(png_image_write_to_memory(&image, out.data(), &size, 0, p.pixels.data(), 0, nullptr),
               "encode_png: libpng: ", image.message);
  out.resize(size);
  return out;
}

std::string base64(std::span<const uint8_t> bytes) {
  std::string out(4 * ((bytes.size() + 2) / 3), '\0');
  EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()), bytes.data(), static_cast<int>(bytes.size()));
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
