#pragma once
#include <array>
#include <cstdint>
#include <initializer_list>
#include <ostream>

#include "kernels/runtime/check.h"
#include "kernels/runtime/dtype.h"
#include "kernels/runtime/stream.h"

namespace TEMPER_API temper {

/// Up to four extents, outermost first. Images are (N, H, W, C), filters (K, R, S, C).
class Shape {
 public:
  Shape() = default;
  Shape(std::initializer_list<int64_t> extents) {
    TEMPER_CHECK(extents.size() <= 4, "Shape: at most 4 extents, got ", extents.size());
    for (const int64_t e : extents) extents_[rank_++] = e;
  }
  int rank() const { return rank_; }
  /// Extent i; negative i counts from the innermost.
  int64_t operator[](int i) const { return extents_[i < 0 ? rank_ + i : i]; }
  int64_t numel() const {
    int64_t n = 1;
    for (int i = 0; i < rank_; ++i) n *= extents_[i];
    return n;
  }
  friend bool operator==(const Shape&, const Shape&) = default;
  friend std::ostream& operator<<(std::ostream& out, const Shape& s) {
    out << "(";
    for (int i = 0; i < s.rank_; ++i) out << (i ? ", " : "") << s.extents_[i];
    return out << ")";
  }

 private:
  std::array<int64_t, 4> extents_{};
  int rank_ = 0;
};

/// A dense view: pointer, shape, type, device. Owns nothing; the Arena, the ParamBuffer or the data set it came from
/// does.
struct Tensor {
  void* data = nullptr;
  Shape shape;
  DType dtype = DType::f32;
  Device device = Device::cpu;

  int64_t numel() const { return shape.numel(); }
  size_t bytes() const { return numel() * size_of(dtype); }
  /// The data as T; T is trusted to match dtype.
  template <class T>
  T* as() const {
    return static_cast<T*>(data);
  }
  explicit operator bool() const { return data != nullptr; }

  /// The same elements under another shape.
  Tensor reshaped(Shape s) const {
    TEMPER_CHECK(s.numel() == numel(), "reshaped: ", shape, " has ", numel(), " elements, ", s, " has ", s.numel());
    return {data, s, dtype, device};
  }
  /// Rows [from, from + count) of the outermost extent.
  Tensor rows(int64_t from, int64_t count) const;
};

}  // namespace temper
