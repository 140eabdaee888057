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

/// One named array of a ParamBuffer. Filters are (K, R, S, C), matrices (out, in).
struct Param {
  std::string name;
  Shape shape;
  int64_t offset = 0;  ///< in elements, a multiple of 64
  Init init;
  bool frozen = false;  ///< gets no gradient and is not changed by the optimiser
};

/// The layout that all buffers of a model share: names, shapes, offsets. It holds no values.
class ParamLayout {
 public:
  /// Declares an array and returns its index. Throws Error on a repeated name.
  int add(std::string name, Shape shape, Init init);
  const Param& operator[](int i) const { return params_.at(i); }
  int count() const { return static_cast<int>(params_.size()); }
  const std::vector<Param>& all() const { return params_; }
  /// Elements of a buffer, including padding.
  int64_t size() const { return size_; }
  /// Elements without padding.
  int64_t numel() const;
  /// Index by name, or -1.
  int find(std::string_view name) const;
  /// Indices whose name matches a glob (`*` any run, `?` one character), in order.
  std::vector<int> match(std::string_view glob) const;
  /// Freezes all arrays that a glob matches. Throws Error, with the nearest name, if it matches none.
  void freeze(std::string_view glob);

 private:
  std::vector<Param> params_;
  int64_t size_ = 0;
};

bool glob_matches(std::string_view glob, std::string_view text);

/// One flat buffer with the layout of a ParamLayout: parameters, gradients, momentum, a mask, an average. Padding is
/// zero.
class ParamBuffer {
 public:
  /// All zeros. `layout` must be complete and must outlive every use of the buffer; the destructor does not use it (a
  /// trainer may keep buffers longer than the network lives).
  ParamBuffer(const ParamLayout& layout, DType dtype, Stream stream);

  const ParamLayout& layout() const { return *layout_; }
  DType dtype() const { return dtype_; }
  Stream stream() const { return stream_; }
  Tensor view(int i) const;
  /// The whole buffer, including padding.
  Tensor all() const { return {memory_.data(), Shape{layout_->size()}, dtype_, stream_.device}; }

  /// The version of the contents, never 0. It changes with the contents; what is prepared from a parameter is valid for
  /// one version.
  uint64_t version() const { return version_; }
  /// To be called after writing through a view.
  void bump_version();

  /// An array of the half copy, which is rounded to a 16-bit type, for libraries that take 16-bit filters. The whole
  /// buffer is converted at the first call and whenever the contents have changed since; the address does not change.
  Tensor half_view(int i, DType dtype) const;
  /// The whole half copy, if there is one of the present version: for kernels that update both. Their caller then calls
  /// bump_version_with_half_copy().
  Tensor half_copy() const;
  /// bump_version() after a write that has also updated the half copy.
  void bump_version_with_half_copy();

  void copy_from(const ParamBuffer& other);
  void zero();
  /// Sets every parameter to its initial values, drawn with the given seed. They are the same on every device.
  void initialise(uint64_t seed);
  /// Copies one array from and to the host, converted to and from double.
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
