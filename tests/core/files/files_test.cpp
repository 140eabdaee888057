#include <cstring>
#include <fstream>

#include "core/files/file.h"
#include "core/files/npz.h"
#include "core/files/safetensors.h"
#include "tests/fixtures/catch.h"
#include "tests/fixtures/temporary_folder.h"

using namespace temper;

namespace {

NamedArray array(std::string name, DType dtype, std::vector<int64_t> shape, int salt = 1) {
  NamedArray a{std::move(name), dtype, std::move(shape), {}};
  a.bytes.resize(a.numel() * size_of(dtype));
  for (size_t i = 0; i < a.bytes.size(); ++i) a.bytes[i] = static_cast<char>(i * 37 + salt);
  return a;
}

std::vector<NamedArray> some_arrays() {
  return {array("conv1.weight", DType::f32, {4, 3, 3, 3}),
          array("b", DType::bf16, {5}, 2),
          array("h", DType::f16, {3}, 4),
          array("a", DType::f64, {2, 2}, 3),
          array("labels", DType::i32, {7}, 4),
          array("count", DType::i64, {}, 5),
          array("pixels", DType::u8, {0, 3}, 6)};
}

/// Without the fsync of write_file_atomically, which hundreds of files would wait for.
void write_bytes(const std::string& path, std::span<const char> bytes) {
  std::ofstream(path, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

void write_text(const std::string& path, const std::string& text) { write_bytes(path, text); }

/// A safetensors file with the given header and data.
void write_raw(const std::string& path, const std::string& header, const std::string& data) {
  const uint64_t size = header.size();
  write_text(path, std::string(reinterpret_cast<const char*>(&size), 8) + header + data);
}

}  // namespace

TEST_CASE("safetensors round trip is bitwise", "[files]") {
  const test::TemporaryFolder folder;
  const std::string path = folder.file("w.safetensors");
  const Metadata metadata = {{"epoch", "3"}, {"note", "quotes \" and \\ and \xc3\xa9"}};
  save_safetensors(path, some_arrays(), metadata);
  const Safetensors got = load_safetensors(path);
  CHECK(got.arrays == some_arrays());
  CHECK(got.metadata == metadata);

  save_safetensors(path, {});
  CHECK(load_safetensors(path).arrays.empty());
  CHECK(std::distance(std::filesystem::directory_iterator(folder.path()), {}) == 1);  // no temporary file stays
}

TEST_CASE("safetensors without a checksum are read", "[files]") {
  const test::TemporaryFolder folder;
  const std::string path = folder.file("w.safetensors");
  write_raw(path, R"({"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})", "abcdefgh");
  const Safetensors got = load_safetensors(path);
  REQUIRE(got.arrays.size() == 1);
  CHECK(got.arrays[0] == NamedArray{"x", DType::f32, {2}, {'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'}});
}

TEST_CASE("a damaged safetensors file is refused", "[files][errors]") {
  const test::TemporaryFolder folder;
  const std::string path = folder.file("w.safetensors");
  save_safetensors(path, some_arrays(), {{"epoch", "3"}});
  const std::vector<char> good = read_file(path);
  const auto with = [&](const auto& change) {
    std::vector<char> bytes = good;
    change(bytes);
    write_bytes(path, bytes);
    return [&] { load_safetensors(path); };
  };

  CHECK_THROWS_WITH(
      with([](auto& b) { b.back() ^= 1; })(),
      ContainsSubstring("checksum mismatch") && ContainsSubstring("the file is damaged; use the previous generation"));
  CHECK_THROWS_WITH(with([](auto& b) {  // a changed name is damage too
                      *std::search(b.begin(), b.end(), "labels", "labels" + 6) = 'L';
                    })(),
                    ContainsSubstring("checksum mismatch"));
  CHECK_THROWS_WITH(with([](auto& b) { b.resize(b.size() - 5); })(),
                    ContainsSubstring("the file is truncated: its arrays need"));
  CHECK_THROWS_WITH(with([](auto& b) { b.resize(40); })(),
                    ContainsSubstring("the file is truncated: its header needs"));
  CHECK_THROWS_WITH(with([](auto& b) { b.resize(3); })(),
                    ContainsSubstring("not a safetensors file: it has only 3 bytes"));
  CHECK_THROWS_WITH(with([](auto& b) { b.push_back('x'); })(), ContainsSubstring("1 bytes follow the last array"));
  CHECK_THROWS_WITH(with([](auto& b) { b[9] = 'x'; })(), ContainsSubstring("its header is not valid JSON"));
  // Every flipped bit of the header is found, whatever it breaks; only the checksum's own name cannot be.
  const size_t key = std::search(good.begin(), good.end(), "crc32", "crc32" + 5) - good.begin();
  for (size_t i = 0; i < 300; ++i) {
    if (i >= key && i < key + 5) continue;
    INFO("bit flipped in byte " << i);
    CHECK_THROWS_AS(with([&](auto& b) { b[i] ^= 1 << (i % 8); })(), Error);
  }
}

TEST_CASE("an impossible safetensors header is refused", "[files][errors]") {
  const test::TemporaryFolder folder;
  const std::string path = folder.file("w.safetensors");
  const auto load = [&](const std::string& header) {
    write_raw(path, header, "abcdefgh");
    load_safetensors(path);
  };
  CHECK_THROWS_WITH(load(R"({"x":{"dtype":"F8_E4M3","shape":[8],"data_offsets":[0,8]}})"),
                    ContainsSubstring("array 'x' has type 'F8_E4M3'; supported are F32, F64, BF16, F16, I32, I64, U8"));
  CHECK_THROWS_WITH(load(R"({"x":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}})"),
                    ContainsSubstring("array 'x' needs 12 bytes for its shape, its offsets span 8"));
  CHECK_THROWS_WITH(load(R"({"x":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}})"),
                    ContainsSubstring("impossible data_offsets"));
  CHECK_THROWS_WITH(load(R"({"x":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,8]}})"),
                    ContainsSubstring("impossible shape"));
  CHECK_THROWS_WITH(load(R"({"x":{"dtype":"F32","shape":[2]}})"),
                    ContainsSubstring("entry for array 'x' is malformed"));
  CHECK_THROWS_WITH(load(R"({"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},)"
                         R"("y":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})"),
                    ContainsSubstring("arrays overlap or leave a gap"));
  CHECK_THROWS_WITH(load(R"({"__metadata__":{"a":1}})"), ContainsSubstring("must map text to text"));
  CHECK_THROWS_WITH(load_safetensors(folder.file("none")), ContainsSubstring("cannot be read; is the path right?"));
  CHECK_THROWS_WITH(save_safetensors(path, {{"x", DType::f32, {3}, {}}}),
                    ContainsSubstring("array 'x' needs 12 bytes for its shape, got 0"));
  CHECK_THROWS_WITH(save_safetensors(path, {array("x", DType::u8, {1}), array("x", DType::u8, {1})}),
                    ContainsSubstring("two arrays are called 'x'"));
  CHECK_THROWS_WITH(save_safetensors(folder.file("no/folder/w"), {}),
                    ContainsSubstring("cannot be written: No such file"));
}

TEST_CASE("npy and npz round trips are bitwise", "[files]") {
  const test::TemporaryFolder folder;
  std::vector<NamedArray> arrays = some_arrays();
  arrays.erase(arrays.begin() + 1);  // NumPy has no bfloat16
  save_npz(folder.file("w.npz"), arrays);
  CHECK(load_npz(folder.file("w.npz")) == arrays);
  for (NamedArray& a : arrays) {
    a.name.clear();
    save_npy(folder.file("a.npy"), a);
    CHECK(load_npy(folder.file("a.npy")) == a);
  }
}

TEST_CASE("npy errors say what to do", "[files][errors]") {
  const test::TemporaryFolder folder;
  const std::string path = folder.file("a.npy");
  const auto load = [&](std::string header, size_t bytes) {
    const auto n = static_cast<char>(header.size());
    write_text(path, std::string("\x93NUMPY\x01\x00", 8) + n + '\0' + header + std::string(bytes, 'x'));
    load_npy(path);
  };
  CHECK_NOTHROW(load("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }\n", 24));
  CHECK_THROWS_WITH(load("{'descr': '<c8', 'fortran_order': False, 'shape': (3,), }\n", 24),
                    ContainsSubstring("type '<c8' is not supported"));
  CHECK_THROWS_WITH(load("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }\n", 20),
                    ContainsSubstring("expected 24 bytes of data for its shape, got 20"));
  CHECK_THROWS_WITH(load("{'descr': '<f4', 'fortran_order': False, 'shape': (2, x), }\n", 24),
                    ContainsSubstring("shape is malformed"));
  write_text(path, "hello, I am text");
  CHECK_THROWS_WITH(load_npy(path), ContainsSubstring("not a .npy file"));
  CHECK_THROWS_WITH(load_npz(path), ContainsSubstring("cannot be opened as .npz"));
  CHECK_THROWS_WITH(save_npy(path, array("b", DType::bf16, {2})), ContainsSubstring("NumPy has no type bf16"));

  const std::string npz = folder.file("w.npz");
  save_npz(npz, {array("x", DType::f32, {1000})});
  std::vector<char> bytes = read_file(npz);
  std::vector<char> flipped = bytes;
  flipped[1000] ^= 1;
  write_bytes(npz, flipped);
  CHECK_THROWS_WITH(load_npz(npz), ContainsSubstring("the file is damaged"));
  for (size_t i = 0; i < bytes.size(); i += 7) {  // whatever is hit, it is an Error or does not matter
    flipped = bytes;
    flipped[i] = static_cast<char>(flipped[i] ^ 0xff);
    write_bytes(npz, flipped);
    try {
      load_npz(npz);
    } catch (const Error&) {
    }
  }
}
