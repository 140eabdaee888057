// What NumPy writes that Temper does not: other byte orders, Fortran order, other types; and archives that lie.
#include "core/files/npy.h"

#include <zip.h>

#include <cstring>
#include <fstream>

#include "core/files/file.h"
#include "core/files/npz.h"
#include "tests/fixtures/catch.h"
#include "tests/fixtures/temporary_folder.h"

using namespace temper;

namespace {

std::string npy(const std::string& type, const std::string& order, const std::string& shape, const std::string& data) {
  std::string header = "{'descr': " + type + ", 'fortran_order': " + order + ", 'shape': " + shape + ", }";
  header.resize((10 + header.size() + 64) / 64 * 64 - 11, ' ');
  header += '\n';
  return std::string("\x93NUMPY\x01\0", 8) + static_cast<char>(header.size()) + static_cast<char>(header.size() >> 8) +
         header + data;
}

template <class T>
std::vector<T> values(const NamedArray& a) {
  std::vector<T> out(a.bytes.size() / sizeof(T));
  std::memcpy(out.data(), a.bytes.data(), a.bytes.size());
  return out;
}

template <class T>
std::string bytes(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

template <class T>
std::string swapped(const std::vector<T>& values) {
  std::string out = bytes(values);
  for (size_t i = 0; i < out.size(); i += sizeof(T)) std::reverse(out.begin() + i, out.begin() + i + sizeof(T));
  return out;
}

void write_zip(const std::string& path, const std::vector<std::pair<std::string, std::string>>& entries,
               int method = ZIP_CM_STORE) {
  zip_t* z = zip_open(path.c_str(), ZIP_CREATE | ZIP_TRUNCATE, nullptr);
  for (const auto& [name, data] : entries) {
    const zip_int64_t at =
        zip_file_add(z, name.c_str(), zip_source_buffer(z, data.data(), data.size(), 0), ZIP_FL_ENC_UTF_8);
    zip_set_file_compression(z, static_cast<zip_uint64_t>(at), method, 0);
  }
  REQUIRE(zip_close(z) == 0);
}

const std::string kGood = npy("'<f4'", "False", "(2,)", bytes<float>({1, 2}));

}  // namespace

TEST_CASE("arrays of any byte order and in Fortran order are read right", "[files]") {
  const std::vector<float> c_order = {1, 2, 3, 4, 5, 6};
  const std::vector<float> fortran = {1, 4, 2, 5, 3, 6};
  for (const std::string& file :
       {npy("'<f4'", "False", "(2, 3)", bytes(c_order)), npy("'>f4'", "False", "(2, 3)", swapped(c_order)),
        npy("'<f4'", "True", "(2, 3)", bytes(fortran)), npy("'>f4'", "True", "(2, 3)", swapped(fortran)),
        npy("'=f4'", "False", "(2, 3)", bytes(c_order))}) {
    const NamedArray a = parse_npy("f", "a", file);
    CHECK(a.shape == std::vector<int64_t>{2, 3});
    CHECK(values<float>(a) == c_order);
  }
  // Element (i, j, k, l) of (2, 3, 2, 2) is 1000 i + 100 j + 10 k + l.
  std::vector<int32_t> four;
  for (int l = 0; l < 2; ++l)
    for (int k = 0; k < 2; ++k)
      for (int j = 0; j < 3; ++j)
        for (int i = 0; i < 2; ++i) four.push_back(1000 * i + 100 * j + 10 * k + l);
  std::vector<int32_t> sorted = four;
  std::sort(sorted.begin(), sorted.end());
  CHECK(values<int32_t>(parse_npy("f", "a", npy("'>i4'", "True", "(2, 3, 2, 2)", swapped(four)))) == sorted);
  CHECK(parse_npy("f", "a", npy("'<f4'", "True", "(0, 3)", "")).bytes.empty());
  CHECK(values<double>(parse_npy("f", "a", npy("'>f8'", "False", "()", swapped<double>({2.5})))) ==
        std::vector<double>{2.5});
}

TEST_CASE("other whole numbers are widened", "[files]") {
  const auto read = [](const std::string& type, const std::string& data) {
    return parse_npy("f", "a", npy(type, "False", "(2,)", data));
  };
  CHECK(values<int32_t>(read("'|b1'", std::string("\1\0", 2))) == std::vector<int32_t>{1, 0});
  CHECK(values<int32_t>(read("'|i1'", std::string("\x7f\x80", 2))) == std::vector<int32_t>{127, -128});
  CHECK(values<int32_t>(read("'>i2'", swapped<int16_t>({-5, 300}))) == std::vector<int32_t>{-5, 300});
  CHECK(values<int32_t>(read("'<u2'", bytes<uint16_t>({5, 65535}))) == std::vector<int32_t>{5, 65535});
  CHECK(values<int64_t>(read("'<u4'", bytes<uint32_t>({5, 4294967295u}))) == std::vector<int64_t>{5, 4294967295});
  CHECK(values<int64_t>(read("'<u8'", bytes<uint64_t>({5, 6}))) == std::vector<int64_t>{5, 6});
  CHECK_THROWS_WITH(read("'<u8'", bytes<uint64_t>({5, ~uint64_t{0}})),
                    "f: element 1 is 18446744073709551615, too large for a signed integer");
  CHECK_THROWS_WITH(read("'<U5'", std::string(40, 'x')),
                    "f: type '<U5' is not supported; expected real numbers or bool: convert it with array.astype(...)");
  CHECK_THROWS_WITH(read("[('x', '<f4')]", "12345678"), ContainsSubstring("type [('x', '<f4')] is not supported"));
  CHECK_THROWS_AS(parse_npy("f", "a", npy("'<f4'", "Maybe", "(2,)", "12345678")), Error);
  CHECK_THROWS_WITH(parse_npy("f", "a", npy("'<f4'", "False", "(4611686018427387904, 2, 2)", "")),
                    "f: the .npy header's shape is impossible");
}

TEST_CASE("only what is asked for is read from an archive", "[files]") {
  const test::TemporaryFolder folder;
  const std::string path = folder.file("a.npz");
  write_zip(path, {{"good.npy", kGood},
                   {"names.npy", npy("'<U5'", "False", "(1,)", std::string(20, 'x'))},
                   {"object.npy", npy("'|O'", "False", "(1,)", "\x80\4N.")},
                   {"notes.txt", "hello"}});
  const NpzFile file(path);
  CHECK(file.names() == std::vector<std::string>{"good", "names", "object", "notes.txt"});
  CHECK(values<float>(file.read("good")) == std::vector<float>{1, 2});
  CHECK(file.holds_numbers("good"));
  for (const char* other : {"names", "object", "notes.txt"}) CHECK_FALSE(file.holds_numbers(other));
  CHECK_THROWS_WITH(file.read("images"), path + ": expected an array 'images', got good, names, object, notes.txt");
  CHECK_THROWS_WITH(file.read("object"), ContainsSubstring("a.npz: object: type '|O' is not supported"));
  write_zip(path, {{"x.npy", kGood}, {"x", kGood}});
  CHECK_THROWS_WITH(NpzFile(path), path + ": two arrays are called 'x'");
}

TEST_CASE("an archive's directory that lies about sizes takes no memory", "[files][errors]") {
  const test::TemporaryFolder folder;
  const std::string path = folder.file("a.npz");
  for (const int method : {ZIP_CM_STORE, ZIP_CM_DEFLATE}) {
    write_zip(path, {{"x.npy", kGood}}, method);
    const std::vector<char> file = read_file(path);
    const std::string text(file.begin(), file.end());
    const size_t directory = text.find("PK\1\2");
    REQUIRE(directory != std::string::npos);
    for (const std::string& sizes : {std::string("\xf0\xff\xff\xff", 4), std::string("\0\0\0\x40", 4)})
      for (const int which : {0, 1}) {  // the unpacked size alone; the packed one, too
        std::string lie = text;
        lie.replace(directory + 24, 4, sizes);
        if (which) lie.replace(directory + 20, 4, sizes);
        std::ofstream(path, std::ios::binary) << lie;
        CHECK_THROWS_AS(load_npz(path), Error);
      }
  }
  // A header that announces more than follows.
  write_zip(path, {{"x.npy", npy("'<f8'", "False", "(1000000000000,)", "12345678")}});
  CHECK_THROWS_WITH(load_npz(path), path +
                                        ": x: expected 8000000000000 bytes of data for its shape, got 8; the file "
                                        "is damaged");
}
