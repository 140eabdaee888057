#pragma once
// NumPy's array format (.npy), versions 1 to 3.
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/files/safetensors.h"

namespace temper {

/// What a .npy file says of its array before the data.
struct NpyHeader {
  enum class Order : uint8_t { c, fortran };

  std::string type;            ///< as written, such as '<f4'
  std::optional<DType> dtype;  ///< what it is read as; none: no array of real numbers
  size_t item = 0;             ///< bytes of an element in the file
  Order order = Order::c;
  std::vector<int64_t> shape;
  size_t size = 0;  ///< of the header: where the data begin
};

/// Reads the header at the beginning of a file, of which `file` has at least the header. Throws Error, naming `who`.
NpyHeader parse_npy_header(const std::string& who, std::span<const char> file);

/// A whole .npy file. Numbers of any byte order, in C or Fortran order, become C order and this machine's bytes. f2,
/// f4, f8, i4, i8 and u1 keep their type; bool and smaller integers become i32, u4 and u8 i64. Throws Error, naming
/// `who`, on anything else.
NamedArray parse_npy(const std::string& who, std::string name, std::span<const char> file);

/// The header that save_npy writes: little endian, C order. Throws Error where NumPy has no such type.
std::vector<char> npy_header(const NamedArray& array);

}  // namespace temper
