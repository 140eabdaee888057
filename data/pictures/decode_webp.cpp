#include <webp/decode.h>

#include "data/pictures/raster.h"
#include "kernels/runtime/check.h"

namespace temper {

Raster decode_webp(std::span<const char> file) {
  const auto* data = reinterpret_cast<const uint8_t*>(file.data());
  WebPBitstreamFeatures features;
  TEMPER_CHECK(WebPGetFeatures(data, file.size(), &features) == VP8_STATUS_OK, "its header is damaged");
  TEMPER_CHECK(!features.has_animation, "it is an animation");
  Raster out = make_raster(features.height, features.width);
  TEMPER_CHECK(WebPDecodeRGBInto(data, file.size(), out.bytes.data(), out.bytes.size(), 3 * out.width),
               "it is truncated or damaged");
  return out;
}

}  // namespace temper
