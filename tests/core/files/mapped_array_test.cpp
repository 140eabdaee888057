// Arrays used in place, in files of any size and in archives that lie.
#include "core/files/mapped_array.h"

#include <cstring>
#include <fstream>

#include "core/files/file.h"
#include "core/files/npz.h"
#include "core/files/zip_directory.h"
#include "tests/fixtures/catch.h"
#include "tests/fixtures/temporary_folder.h"

using namespace temper;

namespace {

NamedArray numbers(const std::string& name, int32_t first) {
  const std::vector<int32_t> values{first, first + 1, first + 2};
  const char* bytes = reinterpret_cast<const char*>(values.data());
  return {name, DType::i32, {3}, {bytes, bytes + 12}};
}

std::string text_of(const std::string& path) {
  const std::vector<char> bytes = read_file(path);
  return {bytes.begin(), bytes.end()};
}

void write(const std::string& path, const std::string& text) { std::ofstream(path, std::ios::binary) << text; }

std::vector<int32_t> values(const MappedArray& a) {
  std::vector<int32_t> out(a.data.size() / 4);
  std::memcpy(out.data(), a.data.data(), a.data.size());
  return out;
}

template <class T>
std::string le(T value) {
  return {reinterpret_cast<const char*>(&value), sizeof value};
}

/// An archive of one entry as it is written beyond 4 GB: sizes, offset and count stand in 64 bits.
std::string zip64_archive(const std::string& data, uint64_t local = 0) {
  const std::string name = "a.npy", all(4, '\xff');
  const std::string entry = "PK\x03\x04" + std::string(14, '\0') + all + all + le<uint16_t>(5) + le<uint16_t>(0) + name;
  const std::string extra =
      le<uint16_t>(1) + le<uint16_t>(24) + le<uint64_t>(data.size()) + le<uint64_t>(data.size()) + le<uint64_t>(local);
  std::string directory = "PK\x01\x02" + std::string(16, '\0') + all + all + le<uint16_t>(5);
  directory += le<uint16_t>(static_cast<uint16_t>(extra.size())) + std::string(10, '\0') + all + name + extra;
  const uint64_t at = entry.size() + data.size();
  std::string end = "PK\x06\x06" + std::string(28, '\0') + le<uint64_t>(1) + le<uint64_t>(directory.size());
  end += le<uint64_t>(at);
  return entry + data + directory + end + "PK\x06\x07" + std::string(4, '\0') + le<uint64_t>(at + directory.size()) +
         le<uint32_t>(1) + "PK\x05\x06" + std::string(6, '\0') + all + all + all + le<uint16_t>(0);
}

}  // namespace

TEST_CASE("an array is found in an archive and in a file of its own, without reading the others", "[files]") {
  const test::TemporaryFolder folder;
  const std::string npz = folder.file("a.npz"), npy = folder.file("b.npy");
  save_npz(npz, {numbers("one", 5), numbers("two", 9)});
  save_npy(npy, numbers("", 7));
  const FileMapping archive(npz), file(npy);
  CHECK(values(mapped_array(npz, archive, {"one"})) == std::vector{5, 6, 7});
  CHECK(values(mapped_array(npz, archive, {"three", "two"})) == std::vector{9, 10, 11});
  CHECK(values(mapped_array(npy, file, {"whatever"})) == std::vector{7, 8, 9});
  CHECK(mapped_array(npz, archive, {"one"}).data.data() > archive.bytes().data());
}

TEST_CASE("an archive with 64-bit numbers is read", "[files]") {
  const test::TemporaryFolder folder;
  const std::string npy = folder.file("b.npy"), npz = folder.file("a.npz");
  save_npy(npy, numbers("", 7));
  write(npz, zip64_archive(text_of(npy)));
  const FileMapping archive(npz);
  CHECK(values(mapped_array(npz, archive, {"a"})) == std::vector{7, 8, 9});
  write(npz, zip64_archive(text_of(npy), 1000));
  const FileMapping damaged(npz);
  CHECK_THROWS_WITH(mapped_array(npz, damaged, {"a"}),
                    npz + ": the archive is damaged: its directory points past its end");
}

TEST_CASE("what cannot be used in place is refused by name", "[files][errors]") {
  const test::TemporaryFolder folder;
  const std::string npz = folder.file("a.npz"), npy = folder.file("b.npy");
  const auto refused = [&](const std::string& path, const std::string& why) {
    const FileMapping file(path);
    CHECK_THROWS_WITH(mapped_array(path, file, {"one"}), ContainsSubstring(path) && ContainsSubstring(why));
  };
  save_npz(npz, {numbers("two", 9)});
  refused(npz, "expected an array 'one', got two");
  std::string good = text_of(npz);
  save_npz(npz, {numbers("one", 9)});
  good = text_of(npz);
  std::string packed = good;
  packed[packed.find("PK\x01\x02") + 10] = 8;
  write(npz, packed);
  refused(npz, "one is compressed, so it cannot be used in place; unpack it once with `unzip " + npz);
  write(npz, "no archive at all");
  refused(npz, "not an .npz file");
  save_npy(npy, numbers("", 7));
  const std::string plain = text_of(npy);
  write(npy, plain.substr(0, plain.size() - 1));
  refused(npy, "expected 12 bytes of data for its shape, got 11; the file is damaged");
  std::string other = plain;
  other.replace(other.find("'<i4'"), 5, "'>i4'");
  write(npy, other);
  refused(npy, "type '>i4' cannot be used in place");
  other = plain;
  other.replace(other.find("False"), 5, "True ");
  write(npy, other);
  refused(npy, "in Fortran order cannot be used in place");
  CHECK_THROWS_WITH(FileMapping(folder.file("none")), ContainsSubstring("cannot be read: No such file"));
  CHECK_THROWS_WITH(FileMapping(folder.path().string()), ContainsSubstring("not a regular file"));
}

TEST_CASE("an archive cut off anywhere, or with any byte changed, is read or refused", "[files]") {
  const test::TemporaryFolder folder;
  const std::string npz = folder.file("a.npz");
  save_npz(npz, {numbers("one", 9), numbers("two", 1)});
  const std::string good = text_of(npz);
  int read = 0, refused = 0;
  const auto attempt = [&](const std::string& bytes) {
    try {
      for (const ZipEntry& e : zip_entries("a", bytes)) {
        CHECK(e.data.data() >= bytes.data());
        CHECK(e.data.data() + e.data.size() <= bytes.data() + bytes.size());
      }
      ++read;
    } catch (const Error&) {
      ++refused;
    }
  };
  for (size_t i = 0; i < good.size(); ++i) {
    attempt(good.substr(0, i));
    std::string changed = good;
    changed[i] = static_cast<char>(~changed[i]);
    attempt(changed);
  }
  CHECK(read > 0);
  CHECK(refused > 0);
}
