// What lies in folders of pictures beside plain ones.
#include <cstring>

#include "data/dataset.h"
#include "tests/fixtures/catch.h"
#include "tests/fixtures/pictures.h"
#include "tests/fixtures/temporary_folder.h"

using namespace temper;

namespace {

using Bytes = std::vector<uint8_t>;

/// Two classes, ant and bee, of plain 2 x 2 pictures, one in each split.
struct Folder {
  test::TemporaryFolder folder;

  Folder() {
    for (const char* split : {"train", "val"})
      for (const char* name : {"ant", "bee"}) add(cat(split, "/", name, "/1.png"), grey_png(51));
  }
  static std::string grey_png(uint8_t value) {
    const std::string row = std::string(1, '\0') + std::string(2, static_cast<char>(value));
    return test::png({.width = 2, .height = 2, .colour = 0}, row + row);
  }
  void add(const std::string& name, const std::string& bytes) { test::write_file(folder.file(name), bytes); }
  ImageSet train(const std::string& more = "") const {
    const Config config = parse_config(cat("path: ", folder.path().string(), "\nsize: 2\n", more));
    Fields f(config);
    auto made = Registry<DatasetReader>::instance().make("folder");
    made->fields(f);
    f.finish();
    return made->train();
  }
};

}  // namespace

TEST_CASE("hidden folders are no classes, and hidden files no pictures", "[data]") {
  Folder f;
  f.add("train/.ipynb_checkpoints/1-checkpoint.png", Folder::grey_png(1));
  f.add("train/__MACOSX/1.png", Folder::grey_png(1));
  f.add("val/.git/config", "x");
  f.add("train/ant/._1.png", "resource fork");
  const ImageSet set = f.train();
  CHECK(set.class_names == std::vector<std::string>{"ant", "bee"});
  CHECK(set.size() == 2);
  CHECK(set.notes == std::vector<std::string>{"folder: " + f.folder.file("train") +
                                              ": ignored 3 hidden; only .jpg, .jpeg, .jpe, .jfif, .png or .webp "
                                              "files in class folders are read"});
}

TEST_CASE("what is passed over is counted by ending", "[data]") {
  Folder f;
  CHECK(f.train().notes.empty());
  for (const char* name : {"a.tif", "b.TIF", "c.bmp", "README", "more/1.png"}) f.add(cat("train/bee/", name), "x");
  f.add("train/labels.csv", "x");
  f.add("train/ant/2.webp", test::webp(2, 2, Bytes(12, 51)));
  f.add("train/ant/3.jfif", test::jpeg(2, 2, Bytes(12, 51)));
  const ImageSet set = f.train();
  CHECK(set.labels == std::vector<int32_t>{0, 0, 0, 1});
  REQUIRE(set.notes.size() == 1);
  CHECK_THAT(set.notes[0],
             ContainsSubstring(": ignored 1 .bmp, 1 .csv, 2 .tif, 1 folders, 1 without an ending; only .jpg"));
  CHECK(set.subset({0}).notes == set.notes);
}

TEST_CASE("a class of pictures in other forms is refused with what it has", "[data][errors]") {
  Folder f;
  std::filesystem::remove(f.folder.file("train/ant/1.png"));
  f.add("train/ant/1.tiff", "x");
  CHECK_THROWS_WITH(f.train(), "folder: " + f.folder.file("train/ant") +
                                   " has no .jpg, .jpeg, .jpe, .jfif, .png or .webp files, only 1 .tiff");
}

TEST_CASE("pictures that cannot be read are named and counted", "[data][errors]") {
  Folder f;
  std::string damaged = Folder::grey_png(9);
  damaged[damaged.size() - 20] ^= 1;
  f.add("train/ant/2.png", damaged);
  CHECK_THROWS_WITH(f.train(),
                    ContainsSubstring(f.folder.file("train/ant/2.png") + ": cannot be read as JPEG, PNG or"));
  f.add("train/bee/2.jpg", "");
  CHECK_THROWS_WITH(f.train(), ContainsSubstring(f.folder.file("train/ant/2.png") + ": cannot be read") &&
                                   ContainsSubstring("; remove or replace it (and 1 more of 4 pictures)"));
}

TEST_CASE("pictures of 16 bits keep their precision", "[data]") {
  Folder f;
  const std::string row("\0\x12\x34\x33\x33", 5);
  f.add("train/ant/2.png", test::png({.width = 2, .height = 2, .depth = 16, .colour = 0}, row + row));
  const ImageSet set = f.train("channels: 1");
  REQUIRE(set.dtype == DType::f32);
  std::vector<float> values(12);
  REQUIRE(set.pixels.size() == values.size() * sizeof(float));
  std::memcpy(values.data(), set.pixels.data(), set.pixels.size());
  CHECK(values[0] == 51 / 255.f);  // of a picture of 8 bits
  CHECK(values[4] == 0x1234 / 65535.f);
  CHECK(values[5] == 0x3333 / 65535.f);
  f.add("train/ant/2.png", test::png({.width = 2, .height = 2, .depth = 16, .colour = 0},
                                     std::string("\0\x33\x33\x33\x33", 5) + std::string("\0\x33\x33\x33\x33", 5)));
  CHECK(f.train().dtype == DType::u8);  // 16 bits that say no more than 8
}

TEST_CASE("EXIF orientation is followed on request", "[data]") {
  Folder f;
  Bytes left_white;
  for (int y = 0; y < 16; ++y)
    for (int x = 0; x < 16; ++x) left_white.insert(left_white.end(), 3, x < 8 ? 255 : 0);
  f.add("train/ant/1.png", test::with_orientation(test::jpeg(16, 16, left_white), 6));  // the name does not matter
  const ImageSet stored = f.train("channels: 1"), turned = f.train("channels: 1\norientation: exif");
  CHECK(stored.pixels[0] > 200);
  CHECK(stored.pixels[2] > 200);  // left
  CHECK(stored.pixels[1] < 55);
  CHECK(turned.pixels[0] > 200);
  CHECK(turned.pixels[1] > 200);  // a quarter to the right: what was left is on top
  CHECK(turned.pixels[2] < 55);
  CHECK(turned.notes.empty());
  CHECK(stored.notes == std::vector<std::string>{"folder: 1 of 2 pictures have an EXIF orientation and were read as "
                                                 "stored; data.orientation: exif rotates them"});
}

TEST_CASE("a picture of a million by one pixels is read like any other", "[data]") {
  Folder f;
  f.add("train/ant/1.png",
        test::png({.width = 1000000, .height = 1, .colour = 0}, std::string(1, '\0') + std::string(1000000, '\x33')));
  CHECK(f.train("channels: 1").pixels == Bytes(8, 51));
  CHECK(f.train("channels: 1\nfit: stretch").pixels == Bytes(8, 51));
}
