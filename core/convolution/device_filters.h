#pragma once
#include "core/convolution/prepared_filters.h"
#include "kernels/runtime/memory.h"

namespace temper {

/// Converts a filter (k, r, s, c) and its bias, if any, to another type, with the BatchNorm folded in. T: float,
/// bfloat16, float16.
template <class T>
void convert_filter(Stream stream, const ConvFilter& filter, T* w, T* bias);

/// Prepared filters of planned convolutions: (k, r, s, c) in the compute type, with BatchNorm folded in.
class DeviceFilters {
 public:
  explicit DeviceFilters(Device device) : device_(device) {}

  struct Filter {
    void* w = nullptr;
    void* bias = nullptr;  ///< in the compute type; may be null
  };
  Filter get(Stream stream, const ConvFilter& filter, DType dtype);
  ConvStats stats() const { return kept_.stats(); }

 private:
  struct Use {
    const void *bias, *fold;
    int64_t filters, elements;
    DType dtype;
    friend auto operator<=>(const Use&, const Use&) = default;
  };
  struct Converted {
    Memory w, bias;
  };

  Device device_;
  PreparedFilters<Use, Converted> kept_;
};

}  // namespace temper
