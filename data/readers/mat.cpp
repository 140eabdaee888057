#include "data/readers/mat.h"

#include <zlib.h>

#include <cmath>
#include <cstring>
#include <memory>

#include "core/memory/memory_limit.h"
#include "kernels/runtime/check.h"

namespace temper {

namespace {

// Element types and array classes of the format's description ("MAT-File Format", The MathWorks, level 5).
enum Type : uint32_t {
  kInt8 = 1,
  kUint8,
  kInt16,
  kUint16,
  kInt32,
  kUint32,
  kSingle,
  kDouble = 9,
  kMatrix = 14,
  kCompressed
};
enum Class : uint32_t { kClassDouble = 6, kClassUint32 = 13 };

struct Element {
  uint32_t type = 0;
  const uint8_t* data = nullptr;
  size_t size = 0;
};

template <class T>
T load(const uint8_t* from) {
  T v;
  std::memcpy(&v, from, sizeof v);
  return v;
}

/// Goes through the elements of a run of bytes.
class Cursor {
 public:
  Cursor(const std::string& file, const uint8_t* data, size_t size) : file_(file), at_(data), left_(size) {}
  bool more() const { return left_ >= 8; }

  Element next() {
    check(left_ >= 8);
    Element e{.type = load<uint32_t>(at_), .data = at_ + 8, .size = load<uint32_t>(at_ + 4)};
    size_t used = 8 + e.size;
    if (e.type >> 16) {  // up to four bytes, inside the tag
      e = {e.type & 0xffff, at_ + 4, e.type >> 16};
      used = 8;
      check(e.size <= 4);
    } else if (e.type != kCompressed) {
      used = (used + 7) / 8 * 8;
    }
    check(8 + e.size <= left_ || used == 8);
    used = std::min(used, left_);
    at_ += used;
    left_ -= used;
    return e;
  }

 private:
  void check(bool fine) const { TEMPER_CHECK(fine, file_, ": is truncated or damaged; fetch it again"); }

  const std::string& file_;
  const uint8_t* at_;
  size_t left_;
};

constexpr uint64_t kLargest = uint64_t{2} << 30;
constexpr size_t kTag = 8;      // an element's type and size
constexpr size_t kPadding = 8;  // at most, after an element

/// What an element's packed data hold: one element, whose tag says how much memory that takes.
std::vector<uint8_t> inflate_all(const std::string& file, const Element& e) {
  z_stream z{};
  TEMPER_CHECK(inflateInit(&z) == Z_OK, file, ": zlib does not start");
  const std::unique_ptr<z_stream, int (*)(z_streamp)> owner(&z, inflateEnd);
  z.next_in = const_cast<uint8_t*>(e.data);
  z.avail_in = static_cast<unsigned>(e.size);
  const auto check = [&](bool fine) {
    TEMPER_CHECK(fine, file, ": is truncated or damaged: it cannot be unpacked; fetch it again");
  };
  uint8_t tag[kTag];
  z.next_out = tag;
  z.avail_out = kTag;
  const int begun = inflate(&z, Z_SYNC_FLUSH);
  check((begun == Z_OK || begun == Z_STREAM_END) && z.avail_out == 0);
  const uint64_t size = kTag + uint64_t{load<uint32_t>(tag + 4)} + kPadding;
  check(size <= kLargest && size / kMostOfDeflate <= e.size);
  expect_memory(file, size);
  std::vector<uint8_t> out(size);
  std::memcpy(out.data(), tag, kTag);
  z.next_out = out.data() + kTag;
  z.avail_out = static_cast<unsigned>(size - kTag);
  check(begun == Z_STREAM_END || inflate(&z, Z_FINISH) == Z_STREAM_END);
  out.resize(z.total_out);
  return out;
}

template <class T>
std::vector<uint8_t> to_bytes(const std::string& who, const Element& e) {
  std::vector<uint8_t> out(e.size / sizeof(T));
  for (size_t i = 0; i < out.size(); ++i) {
    const double v = static_cast<double>(load<T>(e.data + i * sizeof(T)));
    TEMPER_CHECK(v >= 0 && v <= 255 && v == std::floor(v), who, ": expected whole numbers from 0 to 255, got ", v);
    out[i] = static_cast<uint8_t>(v);
  }
  return out;
}

std::vector<uint8_t> values(const std::string& who, const Element& e) {
  switch (e.type) {
    case kInt8: return to_bytes<int8_t>(who, e);
    case kUint8: return {e.data, e.data + e.size};
    case kInt16: return to_bytes<int16_t>(who, e);
    case kUint16: return to_bytes<uint16_t>(who, e);
    case kInt32: return to_bytes<int32_t>(who, e);
    case kUint32: return to_bytes<uint32_t>(who, e);
    case kSingle: return to_bytes<float>(who, e);
    case kDouble: return to_bytes<double>(who, e);
    default: fail(who, ": expected numbers, got element type ", e.type);
  }
}

void read_matrix(const std::string& file, const Element& matrix, std::vector<MatArray>& out) {
  Cursor in(file, matrix.data, matrix.size);
  const Element flags = in.next();
  TEMPER_CHECK(flags.size >= 4, file, ": is truncated or damaged; fetch it again");
  const uint32_t kind = flags.data[0];
  if (kind < kClassDouble || kind > kClassUint32) return;  // text, cells, structures, sparse arrays
  const Element extents = in.next(), name = in.next();
  MatArray a{.name = std::string(reinterpret_cast<const char*>(name.data), name.size)};
  int64_t n = 1;
  for (size_t i = 0; i < extents.size / 4; ++i) {
    a.extents.push_back(load<int32_t>(extents.data + 4 * i));
    TEMPER_CHECK(a.extents[i] >= 0 && !__builtin_mul_overflow(n, a.extents[i], &n), file, ": ", a.name,
                 ": has impossible extents; it is damaged");
  }
  a.values = values(cat(file, ": ", a.name), in.next());
  TEMPER_CHECK(n == static_cast<int64_t>(a.values.size()), file, ": ", a.name, ": expected ", n,
               " values because of its extents, got ", a.values.size(), "; it is damaged");
  out.push_back(std::move(a));
}

}  // namespace

std::vector<MatArray> parse_mat(const std::string& file, const std::vector<uint8_t>& bytes) {
  TEMPER_CHECK(bytes.size() > 128 && load<uint16_t>(bytes.data() + 124) == 0x0100 &&
                   load<uint16_t>(bytes.data() + 126) == 0x4d49,
               file, ": is not a MATLAB 5 file of this machine's byte order; in MATLAB, save it with -v7");
  std::vector<MatArray> arrays;
  Cursor in(file, bytes.data() + 128, bytes.size() - 128);
  while (in.more()) {
    const Element e = in.next();
    if (e.type == kMatrix) read_matrix(file, e, arrays);
    if (e.type != kCompressed) continue;
    const std::vector<uint8_t> unpacked = inflate_all(file, e);
    const Element inner = Cursor(file, unpacked.data(), unpacked.size()).next();
    if (inner.type == kMatrix) read_matrix(file, inner, arrays);
  }
  return arrays;
}

}  // namespace temper
