#include <turbojpeg.h>

#include <memory>

#include "data/pictures/raster.h"
#include "kernels/runtime/check.h"

namespace temper {

namespace {

using Decoder = std::unique_ptr<void, int (*)(tjhandle)>;

/// Inks as Adobe's programs store them, 255 for none.
void from_cmyk(const std::vector<uint8_t>& inks, std::vector<uint8_t>& rgb) {
  for (size_t i = 0; i < rgb.size(); ++i) {
    const int ink = inks[i / 3 * 4 + i % 3], black = inks[i / 3 * 4 + 3];
    rgb[i] = static_cast<uint8_t>((ink * black + 127) / 255);
  }
}

}  // namespace

Raster decode_jpeg(std::span<const char> file) {
  const Decoder decoder(tjInitDecompress(), tjDestroy);
  TEMPER_CHECK(decoder, "libjpeg-turbo does not start");
  const auto* data = reinterpret_cast<const unsigned char*>(file.data());
  const auto size = static_cast<unsigned long>(file.size());
  const auto check = [&](int code) { TEMPER_CHECK(code == 0, tjGetErrorStr2(decoder.get())); };
  int width = 0, height = 0, sampling = 0, colours = 0;
  check(tjDecompressHeader3(decoder.get(), data, size, &width, &height, &sampling, &colours));
  Raster out = make_raster(height, width);
  // A warning is how the library tells of a truncated or damaged file.
  constexpr int kFlags = TJFLAG_STOPONWARNING | TJFLAG_LIMITSCANS | TJFLAG_ACCURATEDCT;
  const bool inks = colours == TJCS_CMYK || colours == TJCS_YCCK;
  std::vector<uint8_t> cmyk(inks ? static_cast<size_t>(height) * width * 4 : 0);
  check(tjDecompress2(decoder.get(), data, size, inks ? cmyk.data() : out.bytes.data(), width, 0, height,
                      inks ? TJPF_CMYK : TJPF_RGB, kFlags));
  if (inks) from_cmyk(cmyk, out.bytes);
  return out;
}

}  // namespace temper
