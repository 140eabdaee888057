#pragma once
// Pictures as files, written without the code that reads them.
#include <turbojpeg.h>
#include <webp/encode.h>
#include <zlib.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace temper::test {

inline std::string big_endian(uint32_t v) {
  return {static_cast<char>(v >> 24), static_cast<char>(v >> 16), static_cast<char>(v >> 8), static_cast<char>(v)};
}

inline std::string png_chunk(const std::string& type, const std::string& data) {
  const std::string body = type + data;
  const uLong crc = crc32(0, reinterpret_cast<const Bytef*>(body.data()), static_cast<uInt>(body.size()));
  return big_endian(static_cast<uint32_t>(data.size())) + body + big_endian(static_cast<uint32_t>(crc));
}

struct PngForm {
  uint32_t width = 0, height = 0;
  char depth = 8, colour = 2;      ///< colour: 0 grey, 2 RGB, 3 palette, 4 grey and alpha, 6 RGBA
  std::string before_pixels = {};  ///< chunks
};

/// A PNG of packed rows, each preceded by its filter.
inline std::string png(const PngForm& form, const std::string& rows) {
  uLongf size = compressBound(static_cast<uLong>(rows.size()));
  std::string packed(size, '\0');
  compress2(reinterpret_cast<Bytef*>(packed.data()), &size, reinterpret_cast<const Bytef*>(rows.data()),
            static_cast<uLong>(rows.size()), 9);
  packed.resize(size);
  const std::string header =
      big_endian(form.width) + big_endian(form.height) + std::string{form.depth, form.colour, 0, 0, 0};
  return "\x89PNG\r\n\x1a\n" + png_chunk("IHDR", header) + form.before_pixels + png_chunk("IDAT", packed) +
         png_chunk("IEND", "");
}

/// A JPEG of RGB pixels, without loss but for rounding.
inline std::string jpeg(int width, int height, const std::vector<uint8_t>& rgb) {
  unsigned char* out = nullptr;
  unsigned long size = 0;
  const tjhandle h = tjInitCompress();
  tjCompress2(h, rgb.data(), width, 0, height, TJPF_RGB, &out, &size, TJSAMP_444, 100, TJFLAG_ACCURATEDCT);
  const std::string file(reinterpret_cast<const char*>(out), size);
  tjFree(out);
  tjDestroy(h);
  return file;
}

/// The same JPEG with an EXIF segment that says only how it is to be turned.
inline std::string with_orientation(const std::string& jpeg, char orientation) {
  const std::string tiff = std::string("MM\0\x2a\0\0\0\x08\0\x01", 10) + std::string("\x01\x12\0\x03\0\0\0\x01\0", 9) +
                           orientation + std::string("\0\0\0\0\0\0", 6);
  const std::string body = std::string("Exif\0\0", 6) + tiff;
  return jpeg.substr(0, 2) + "\xff\xe1" + big_endian(static_cast<uint32_t>(body.size() + 2)).substr(2) + body +
         jpeg.substr(2);
}

/// A WebP of RGB pixels, without loss.
inline std::string webp(int width, int height, const std::vector<uint8_t>& rgb) {
  uint8_t* out = nullptr;
  const size_t size = WebPEncodeLosslessRGB(rgb.data(), width, height, 3 * width, &out);
  const std::string file(reinterpret_cast<const char*>(out), size);
  WebPFree(out);
  return file;
}

/// Writes a file and the folders it lies in.
inline void write_file(const std::string& path, const std::string& bytes) {
  std::filesystem::create_directories(std::filesystem::path(path).parent_path());
  std::ofstream(path, std::ios::binary) << bytes;
}

}  // namespace temper::test
