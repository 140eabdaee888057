// Decoding of pictures, whole and damaged.
#include "tests/fixtures/pictures.h"

#include "data/pictures/exif.h"
#include "data/pictures/raster.h"
#include "tests/fixtures/catch.h"
#include "tests/fixtures/temporary_folder.h"

using namespace temper;

namespace {

using Bytes = std::vector<uint8_t>;

Raster decode(const std::string& file) { return decode_picture("f", file); }

/// width x height pixels that differ from their neighbours.
Bytes some_pixels(int width, int height) {
  Bytes rgb(3 * width * height);
  for (size_t i = 0; i < rgb.size(); ++i) rgb[i] = static_cast<uint8_t>(i * 37 + i / 7);
  return rgb;
}

/// Rows without a filter.
std::string rows(const Bytes& bytes, size_t row) {
  std::string out;
  for (size_t i = 0; i < bytes.size(); ++i) {
    if (i % row == 0) out += '\0';
    out += static_cast<char>(bytes[i]);
  }
  return out;
}

}  // namespace

TEST_CASE("PNG of every form is decoded", "[pictures]") {
  const Bytes rgb = some_pixels(3, 2);
  const Raster colour = decode(test::png({.width = 3, .height = 2}, rows(rgb, 9)));
  CHECK(colour.height == 2);
  CHECK(colour.width == 3);
  CHECK(colour.channels == 3);
  CHECK(colour.bytes == rgb);
  CHECK(decode(test::png({.width = 2, .height = 1, .colour = 0}, rows({7, 9}, 2))).bytes == Bytes{7, 7, 7, 9, 9, 9});
  CHECK(decode(test::png({.width = 8, .height = 1, .depth = 1, .colour = 0}, rows({0x80}, 1))).bytes[0] == 255);
  CHECK(decode(test::png({.width = 1, .height = 1, .colour = 4}, rows({7, 0}, 2))).bytes == Bytes{7, 7, 7});
  CHECK(decode(test::png({.width = 1, .height = 1, .colour = 6}, rows({1, 2, 3, 0}, 4))).bytes == Bytes{1, 2, 3});
  const std::string palette = test::png_chunk("PLTE", "abcdef") + test::png_chunk("tRNS", std::string(1, '\0'));
  CHECK(decode(test::png({.width = 2, .height = 1, .colour = 3, .before_pixels = palette}, rows({1, 0}, 2))).bytes ==
        Bytes{'d', 'e', 'f', 'a', 'b', 'c'});
  const Raster deep = decode(test::png({.width = 1, .height = 1, .depth = 16}, rows({1, 2, 0, 0, 255, 255}, 6)));
  CHECK(deep.white == 65535);
  CHECK(deep[0] == 258 / 65535.f);
  CHECK(deep[2] == 1);
}

TEST_CASE("JPEG and WebP are decoded", "[pictures]") {
  const Bytes rgb = some_pixels(5, 4);
  CHECK(decode(test::webp(5, 4, rgb)).bytes == rgb);
  const Bytes red = {200, 10, 20};
  Bytes plain;
  for (int i = 0; i < 64; ++i) plain.insert(plain.end(), red.begin(), red.end());
  const Raster jpeg = decode(test::jpeg(8, 8, plain));
  REQUIRE(jpeg.bytes.size() == plain.size());
  for (size_t i = 0; i < plain.size(); ++i) CHECK(std::abs(jpeg.bytes[i] - plain[i]) <= 2);
}

TEST_CASE("a picture that is damaged anywhere in its pixels is refused", "[pictures][errors]") {
  const Bytes rgb = some_pixels(20, 30);
  const std::string png = test::png({.width = 20, .height = 30}, rows(rgb, 60));
  for (size_t i = 8; i < png.size(); ++i) {  // a checksum is over every byte
    std::string damaged = png;
    damaged[i] ^= 0x10;
    INFO("byte " << i);
    CHECK_THROWS_AS(decode(damaged), Error);
  }
  for (const std::string& file : {png, test::jpeg(20, 30, rgb), test::webp(20, 30, rgb)})
    for (const size_t cut : {file.size() / 4, file.size() / 2, file.size() - 30}) {
      INFO("cut to " << cut << " of " << file.size());
      CHECK_THROWS_WITH(decode(file.substr(0, cut)), ContainsSubstring("f: cannot be read as JPEG, PNG or WebP: ") &&
                                                         ContainsSubstring("; remove or replace it"));
    }
}

TEST_CASE("what follows a PNG's pixels is checked", "[pictures][errors]") {
  const std::string png = test::png({.width = 2, .height = 1, .colour = 0}, rows({7, 9}, 2));
  CHECK_THROWS_AS(decode(png.substr(0, png.size() - 12)), Error);  // no IEND
  std::string text = test::png_chunk("tEXt", "Comment\0ok");
  text.back() ^= 1;
  CHECK_THROWS_AS(decode(test::png({.width = 2, .height = 1, .colour = 0, .before_pixels = text}, rows({7, 9}, 2))),
                  Error);
  CHECK_NOTHROW(decode(test::png({.width = 2, .height = 1, .colour = 0, .before_pixels = test::png_chunk("iCCP", "x")},
                                 rows({7, 9}, 2))));  // a broken colour profile has no part in the pixels
}

TEST_CASE("sizes that a few bytes announce take no memory", "[pictures][errors]") {
  CHECK_THROWS_WITH(decode(test::png({.width = 60000, .height = 60000}, "x")),
                    ContainsSubstring("it announces 60000 x 60000 pixels, which cannot come from"));
  CHECK_THROWS_AS(decode(test::png({.width = 0xffffffff, .height = 5}, "x")), Error);
  CHECK_THROWS_AS(decode(test::png({.width = 0, .height = 5}, "x")), Error);
  std::string jpeg = test::jpeg(8, 8, some_pixels(8, 8));
  const size_t at = jpeg.find("\xff\xc0");
  REQUIRE(at != std::string::npos);
  for (const size_t i : {5, 6, 7, 8}) jpeg[at + i] = '\xfe';
  CHECK_THROWS_WITH(decode(jpeg), ContainsSubstring("it announces 65278 x 65278 pixels, and up to 67108864 are read"));
  CHECK_THROWS_WITH(decode("GIF89a"),
                    "f: cannot be read as JPEG, PNG or WebP: it begins like none of them; remove or "
                    "replace it");
  CHECK_THROWS_AS(decode(""), Error);
}

TEST_CASE("grey is brightness", "[pictures]") {
  const Raster grey = to_grey({.height = 1, .width = 3, .channels = 3, .bytes = {255, 0, 0, 0, 255, 0, 9, 9, 9}});
  CHECK(grey.channels == 1);
  CHECK(grey.bytes == Bytes{76, 150, 9});
}

TEST_CASE("an EXIF orientation is read and undone", "[pictures]") {
  const std::string jpeg = test::jpeg(8, 8, some_pixels(8, 8));
  CHECK(exif_orientation(jpeg) == 1);
  for (char how = 1; how <= 8; ++how) CHECK(exif_orientation(test::with_orientation(jpeg, how)) == how);
  CHECK(exif_orientation(test::with_orientation(jpeg, 9)) == 1);
  const std::string turned = test::with_orientation(jpeg, 6);
  for (size_t i = 0; i < 32; ++i) CHECK(exif_orientation(std::string_view(turned).substr(0, i)) == 1);

  // 1 2 3 over 4 5 6, as cameras number what the eight values do to it.
  const Raster in{.height = 2, .width = 3, .channels = 1, .bytes = {1, 2, 3, 4, 5, 6}};
  const std::vector<Bytes> expected = {{1, 2, 3, 4, 5, 6}, {3, 2, 1, 6, 5, 4}, {6, 5, 4, 3, 2, 1}, {4, 5, 6, 1, 2, 3},
                                       {1, 4, 2, 5, 3, 6}, {4, 1, 5, 2, 6, 3}, {6, 3, 5, 2, 4, 1}, {3, 6, 2, 5, 1, 4}};
  for (int how = 1; how <= 8; ++how) {
    const Raster out = upright(in, how);
    CHECK(out.width == (how < 5 ? 3 : 2));
    CHECK(out.bytes == expected[how - 1]);
  }
}
