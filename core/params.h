#pragma once
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "core/tensor.h"
#include "kernels/runtime/memory.h"
#include "kernels/runtime/philox.h"

namespace TEMPER_API temper {

/// The initial value of one element: (key, parameter index, element index) -> value. See nn/init.h for the usual ones.
using Init = std::function<double(const RngKey& key, uint32_t param, uint32_t element)>;

/// One named array in a flat buffer. Filters are (K, R, S, C), matrices (out, in).
struct Param {
  std::string name;
  Shape shape;
  int64_t offset = 0;  ///< in elements, a multiple of 64
  Init init;
  bool frozen = false;  ///< gets no gradient and is not moved by the optimiser
};

/// The layout that all flat buffers of a model share: names, shapes, offsets. Holds no values.
class ParamLayout {
 public:
  /// Declares an array and returns its index. Throws Error on a repeated name.
  int add(std::string name, Shape shape, Init init);
  const Param& operator[](int i) const { return params_.at(i); }
  int count() const { return static_cast<int>(params_.size()); }
  const std::vector<Param>& all() const { return params_; }
  /// Elements of a flat buffer, padding included.
  int64_t size() const { return size_; }
  /// Elements without padding.
  int64_t numel() const;
  /// Index by name, or -1.
  int find(std::string_view name) const;
  /// Indices whose name matches a glob (`*` any run, `?` one character), in order.
  std::vector<int> match(std::string_view glob) const;
  /// Freezes everything a glob matches. Throws Error, with the nearest name, if it matches nothing.
  void freeze(std::string_view glob);

 private:
  std::vector<Param> params_;
  int64_t size_ = 0;
};

bool glob_matches(std::string_view glob, std::string_view text);

/// One buffer with the layout of a ParamLayout: values, gradients, momentum, a mask, an average. Padding is zero.
class ParamBuffer {
 public:
  /// All zeros. `layout` must be complete and outlive every use of the buffer, though not its destruction: a trainer,
  /// which lives longer than the network it trained, keeps buffers.
  ParamBuffer(const ParamLayout& layout, DType dtype, Stream stream);

  const ParamLayout& layout() const { return *layout_; }
  DType dtype() const { return dtype_; }
  Stream stream() const { return stream_; }
  Tensor view(int i) const;
  /// The whole buffer, padding included.
  Tensor all() const { return {memory_.data(), Shape{layout_->size()}, dtype_, stream_.device}; }

  /// Changes whenever the contents do; what was prepared from a parameter is valid for one version. Never 0.
  uint64_t version() const { return version_; }
  /// To be called after writing through a view.
  void bump_version();

  /// An array rounded to a 16-bit type, for libraries that take filters so. All are converted together, when first
  /// asked for and whenever the contents have changed since; the memory stays where it is.
  Tensor half_view(int i, DType dtype) const;
  /// The whole rounded copy, if there is one that holds the present contents: for a kernel that writes both at once. It
  /// calls bump_version_with_half_copy() after.
  Tensor half_copy() const;
  /// bump_version(), of a writer that brought the rounded copy up to date too.
  void bump_version_with_half_copy();

  void copy_from(const ParamBuffer& other);
  void zero();
  /// Every parameter's initial values, drawn with the given seed: the same for every device.
  void initialise(uint64_t seed);
  /// Host copies of one array in and out, converting to and from double.
  std::vector<double> read(int i) const;
  void write(int i, const std::vector<double>& values);

 private:
  /// The contents at a version, in 16 bits.
  struct HalfCopy {
    DType dtype = DType::bf16;
    Memory memory = {};
    uint64_t version = 0, generation = 0;
  };
  void new_version();

  const ParamLayout* layout_;
  DType dtype_;
  Stream stream_;
  Memory memory_;
  uint64_t version_ = 0;
  mutable HalfCopy half_;
};

}  // namespace temper
