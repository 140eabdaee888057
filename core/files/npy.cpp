#include "core/files/npy.h"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cstring>
#include <string_view>
#include <utility>

namespace temper {

namespace {

static_assert(std::endian::native == std::endian::little);

constexpr std::string_view kMagic = "\x93NUMPY";

/// Kind and size of an element in the file, and what it is read as.
struct Type {
  std::string_view name;
  DType dtype;
};
// What is written comes first among those of one DType.
constexpr std::array<Type, 12> kTypes = {{{"f2", DType::f16},
                                          {"f4", DType::f32},
                                          {"f8", DType::f64},
                                          {"i4", DType::i32},
                                          {"i8", DType::i64},
                                          {"u1", DType::u8},
                                          {"b1", DType::i32},
                                          {"i1", DType::i32},
                                          {"i2", DType::i32},
                                          {"u2", DType::i32},
                                          {"u4", DType::i64},
                                          {"u8", DType::i64}}};

/// What follows "'KEY':" in the header, a Python dictionary written by NumPy in one fixed form.
std::string_view value_of(const std::string& who, std::string_view header, const std::string& key) {
  const size_t at = header.find("'" + key + "':");
  TEMPER_CHECK(at != std::string_view::npos, who, ": the .npy header has no '", key, "'");
  std::string_view rest = header.substr(at + key.size() + 3);
  while (!rest.empty() && rest.front() == ' ') rest.remove_prefix(1);
  return rest;
}

/// A type as text, '<f4', or as a list of fields, [('x', '<f4')].
std::string type_of(std::string_view value) {
  if (value.starts_with('[')) return std::string(value.substr(0, value.find(']') + 1));
  const size_t close = value.size() < 2 ? std::string_view::npos : value.find(value.front(), 1);
  return std::string(value.substr(0, close == std::string_view::npos ? close : close + 1));
}

std::vector<int64_t> shape_of(const std::string& who, std::string_view header) {
  const std::string_view value = value_of(who, header, "shape");
  const size_t close = value.find(')');
  TEMPER_CHECK(!value.empty() && value.front() == '(' && close != std::string_view::npos, who,
               ": the .npy header's shape is malformed");
  std::vector<int64_t> shape;
  for (const char *at = value.data() + 1, *end = value.data() + close; at < end;) {
    if (*at == ' ' || *at == ',') {
      ++at;
      continue;
    }
    int64_t extent = -1;
    const auto [next, error] = std::from_chars(at, end, extent);
    TEMPER_CHECK(error == std::errc() && extent >= 0, who, ": the .npy header's shape is malformed");
    shape.push_back(extent);
    at = next;
  }
  return shape;
}

/// The elements in C order and this machine's byte order, each still of its size in the file.
std::vector<char> arranged(const NpyHeader& h, const char* data, int64_t count) {
  const bool swapped = h.type[1] == '>';
  if (!swapped && h.order == NpyHeader::Order::c) return {data, data + static_cast<size_t>(count) * h.item};
  std::vector<char> out(static_cast<size_t>(count) * h.item);
  std::vector<int64_t> at(h.shape.size(), 0), stride(h.shape.size(), 1);
  for (size_t d = 1; d < h.shape.size(); ++d) stride[d] = stride[d - 1] * h.shape[d - 1];
  int64_t from = 0;
  for (int64_t i = 0; i < count; ++i) {
    const char* element = data + static_cast<size_t>(h.order == NpyHeader::Order::fortran ? from : i) * h.item;
    char* to = out.data() + static_cast<size_t>(i) * h.item;
    if (swapped)
      std::reverse_copy(element, element + h.item, to);
    else
      std::memcpy(to, element, h.item);
    for (size_t d = at.size(); d-- > 0;) {  // the last extent varies fastest in C order
      from += stride[d];
      if (++at[d] < h.shape[d]) break;
      from -= stride[d] * h.shape[d];
      at[d] = 0;
    }
  }
  return out;
}

template <class From, class To>
std::vector<char> widened(const std::string& who, const std::vector<char>& bytes) {
  const size_t count = bytes.size() / sizeof(From);
  std::vector<char> out(count * sizeof(To));
  for (size_t i = 0; i < count; ++i) {
    From from;
    std::memcpy(&from, bytes.data() + i * sizeof from, sizeof from);
    TEMPER_CHECK(std::in_range<To>(from), who, ": element ", i, " is ", from, ", too large for a signed integer");
    const To to = static_cast<To>(from);
    std::memcpy(out.data() + i * sizeof to, &to, sizeof to);
  }
  return out;
}

std::vector<char> as_read(const std::string& who, std::string_view type, std::vector<char> bytes) {
  if (type == "b1") return widened<uint8_t, int32_t>(who, bytes);
  if (type == "i1") return widened<signed char, int32_t>(who, bytes);
  if (type == "i2") return widened<int16_t, int32_t>(who, bytes);
  if (type == "u2") return widened<uint16_t, int32_t>(who, bytes);
  if (type == "u4") return widened<uint32_t, int64_t>(who, bytes);
  if (type == "u8") return widened<uint64_t, int64_t>(who, bytes);
  return bytes;
}

}  // namespace

NpyHeader parse_npy_header(const std::string& who, std::span<const char> file) {
  TEMPER_CHECK(file.size() >= 10 && std::string_view(file.data(), kMagic.size()) == kMagic, who,
               ": not a .npy file: it does not start with \\x93NUMPY");
  const bool wide = file[6] >= 2;  // version 1 counts the header in 2 bytes, later ones in 4
  uint32_t length = 0;
  const size_t start = wide ? 12 : 10;
  TEMPER_CHECK(file.size() >= start, who, ": the file is truncated within its header");
  std::memcpy(&length, file.data() + 8, wide ? 4 : 2);
  TEMPER_CHECK(file.size() >= start + length, who, ": the file is truncated within its header");
  const std::string_view text(file.data() + start, length);
  NpyHeader h{.type = type_of(value_of(who, text, "descr")), .shape = shape_of(who, text), .size = start + length};
  const std::string_view order = value_of(who, text, "fortran_order");
  TEMPER_CHECK(order.starts_with("False") || order.starts_with("True"), who,
               ": the .npy header's fortran_order is malformed");
  if (order.starts_with("True")) h.order = NpyHeader::Order::fortran;
  if (h.type.size() == 5 && std::string_view("<>|=").find(h.type[1]) != std::string_view::npos)  // '<f4'
    for (const Type& t : kTypes)
      if (h.type.substr(2, 2) == t.name) h.dtype = t.dtype, h.item = static_cast<size_t>(t.name[1] - '0');
  return h;
}

NamedArray parse_npy(const std::string& who, std::string name, std::span<const char> file) {
  const NpyHeader h = parse_npy_header(who, file);
  TEMPER_CHECK(h.dtype, who, ": type ", h.type,
               " is not supported; expected real numbers or bool: convert it with array.astype(...)");
  const auto data = file.subspan(h.size);
  int64_t count = 1, bytes = 0;
  for (const int64_t e : h.shape)
    TEMPER_CHECK(!__builtin_mul_overflow(count, e, &count), who, ": the .npy header's shape is impossible");
  TEMPER_CHECK(!__builtin_mul_overflow(count, static_cast<int64_t>(h.item), &bytes), who,
               ": the .npy header's shape is impossible");
  TEMPER_CHECK(static_cast<int64_t>(data.size()) == bytes, who, ": expected ", bytes,
               " bytes of data for its shape, got ", data.size(), "; the file is damaged");
  return {std::move(name), *h.dtype, h.shape, as_read(who, h.type.substr(2, 2), arranged(h, data.data(), count))};
}

std::vector<char> npy_header(const NamedArray& a) {
  const auto type = std::find_if(kTypes.begin(), kTypes.end(), [&](const Type& t) { return t.dtype == a.dtype; });
  TEMPER_CHECK(type != kTypes.end(), "array '", a.name, "': NumPy has no type ", a.dtype, "; convert it to f32 first");
  TEMPER_CHECK(static_cast<int64_t>(a.bytes.size()) == a.numel() * static_cast<int64_t>(size_of(a.dtype)), "array '",
               a.name, "' has ", a.bytes.size(), " bytes, which do not fit its shape");
  std::string shape;
  for (const int64_t e : a.shape) shape += cat(shape.empty() ? "" : " ", e, ",");
  if (a.shape.size() > 1) shape.pop_back();
  std::string text = cat("{'descr': '", type->name[1] == '1' ? '|' : '<', type->name,
                         "', 'fortran_order': False, 'shape': (", shape, "), }");
  text.resize((10 + text.size() + 1 + 63) / 64 * 64 - 11, ' ');  // NumPy aligns the data to 64 bytes
  text += '\n';
  const auto length = static_cast<uint16_t>(text.size());
  std::string out = cat(kMagic, '\x01', '\0');
  out.append(reinterpret_cast<const char*>(&length), sizeof length);
  out += text;
  return {out.begin(), out.end()};
}

}  // namespace temper
