#include <png.h>

#include <bit>
#include <csetjmp>

#include "core/memory/memory_limit.h"
#include "data/pictures/raster.h"
#include "kernels/runtime/check.h"

namespace temper {

namespace {

/// libpng's state. On an error libpng jumps to where setjmp was called: functions that call it own nothing.
struct Reader {
  std::span<const char> rest;
  char error[200] = "", warning[200] = "";
  png_structp png = nullptr;
  png_infop info = nullptr;

  explicit Reader(std::span<const char> file) : rest(file) {
    png = png_create_read_struct(PNG_LIBPNG_VER_STRING, this, on_error, on_warning);
    info = png ? png_create_info_struct(png) : nullptr;
  }
  ~Reader() { png_destroy_read_struct(&png, &info, nullptr); }
  Reader(const Reader&) = delete;

  static Reader& of(png_structp png) { return *static_cast<Reader*>(png_get_error_ptr(png)); }
  static void on_warning(png_structp png, png_const_charp text) {
    std::snprintf(of(png).warning, sizeof of(png).warning, "%s", text);
  }
  [[noreturn]] static void on_error(png_structp png, png_const_charp text) {
    std::snprintf(of(png).error, sizeof of(png).error, "%s", text);
    png_longjmp(png, 1);
  }
  static void on_read(png_structp png, png_bytep to, size_t size) {
    Reader& r = *static_cast<Reader*>(png_get_io_ptr(png));
    if (size > r.rest.size()) png_error(png, "it is truncated");
    std::memcpy(to, r.rest.data(), size);
    r.rest = r.rest.subspan(size);
  }
  std::string why() const { return *warning ? cat(error, " (", warning, ")") : error; }
};

/// Up to the pixels, which will come as RGB of 8 or 16 bits in this machine's byte order.
bool read_header(Reader& r) {
  if (setjmp(png_jmpbuf(r.png))) return false;
  png_set_read_fn(r.png, &r, Reader::on_read);
  // Nothing damaged is put up with; chunks without a part in the pixels are not looked into, but for their checksum.
  png_set_crc_action(r.png, PNG_CRC_ERROR_QUIT, PNG_CRC_ERROR_QUIT);
  png_set_benign_errors(r.png, 0);
  png_set_keep_unknown_chunks(r.png, PNG_HANDLE_CHUNK_NEVER, nullptr, -1);
  png_read_info(r.png, r.info);
  png_set_expand(r.png);
  png_set_strip_alpha(r.png);
  png_set_gray_to_rgb(r.png);
  if (std::endian::native == std::endian::little) png_set_swap(r.png);
  png_set_interlace_handling(r.png);
  png_read_update_info(r.png, r.info);
  return true;
}

/// The pixels, and all that follows them.
bool read_rows(Reader& r, png_bytepp rows) {
  if (setjmp(png_jmpbuf(r.png))) return false;
  png_read_image(r.png, rows);
  png_read_end(r.png, nullptr);
  return true;
}

}  // namespace

Raster decode_png(std::span<const char> file) {
  Reader reader(file);
  TEMPER_CHECK(reader.png && reader.info, "libpng does not start");
  TEMPER_CHECK(read_header(reader), reader.why());
  const int64_t height = png_get_image_height(reader.png, reader.info),
                width = png_get_image_width(reader.png, reader.info);
  const bool deep = png_get_bit_depth(reader.png, reader.info) == 16;
  TEMPER_CHECK(height / static_cast<int64_t>(8 * kMostOfDeflate) * width <= static_cast<int64_t>(file.size()),
               "it announces ", width, " x ", height, " pixels, which cannot come from ", file.size(), " bytes");
  Raster out = make_raster(height, width, deep ? 65535 : 255);
  const size_t row = out.bytes.size() / static_cast<size_t>(height);
  TEMPER_CHECK(png_get_rowbytes(reader.png, reader.info) == row, "its rows have ",
               png_get_rowbytes(reader.png, reader.info), " bytes instead of ", row);
  std::vector<png_bytep> rows(static_cast<size_t>(height));
  for (size_t y = 0; y < rows.size(); ++y) rows[y] = out.bytes.data() + y * row;
  TEMPER_CHECK(read_rows(reader, rows.data()), reader.why());
  return out;
}

}  // namespace temper
