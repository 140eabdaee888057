#pragma once
// NumPy's array format (.npy), versions 1 to 3.
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/files/safetensors.h"

namespace TEMPER_API temper {

/// The header of a .npy file.
struct NpyHeader {
  enum class Order : uint8_t { c, fortran };

  std::string type;            ///< as written, such as '<f4'
  std::optional<DType> dtype;  ///< the type that it is read as; empty: not an array of real numbers
  size_t item = 0;             ///< bytes of an element in the file
  Order order = Order::c;
  std::vector<int64_t> shape;
  size_t size = 0;  ///< of the header, which is the offset of the data
};

/// Parses the header; `file` is the beginning of a file with at least the whole header. Throws Error, naming `who`.
NpyHeader parse_npy_header(const std::string& who, std::span<const char> file);

/// Parses a whole .npy file. Any byte order and Fortran order are converted to this machine's byte order and C order.
/// f2, f4, f8, i4, i8 and u1 keep their type; bool and smaller integers become i32, u4 and u8 become i64. Throws Error,
/// naming `who`, for any other type.
NamedArray parse_npy(const std::string& who, std::string name, std::span<const char> file);

/// The header that save_npy writes: little endian, C order. Throws Error if NumPy has no such type.
std::vector<char> npy_header(const NamedArray& array);

}  // namespace temper
