#pragma once
#include <cstdint>
#include <vector>

#include "core/tensor.h"
#include "kernels/runtime/device_array.h"

namespace temper {

/// Known bytes around the tensors of an arena, which reveal writes out of bounds. They are not set in captured or
/// planned work; a captured step has run once before, with guard zones.
class GuardZones {
 public:
  static constexpr size_t kBytes = 256;  ///< before a tensor, and after its last, rounded up byte

  explicit GuardZones(Stream stream);

  /// Sets the zones of a new tensor; `room` is its size, rounded up.
  void open(const Tensor& t, size_t room);
  /// Checks and removes the zones of all tensors at `from` or above. Throws Error with the first damaged byte.
  void close(const char* from);
  /// Removes them without a check.
  void forget(const char* from);

 private:
  struct Entry {
    Tensor tensor;
    size_t after;        ///< bytes between its end and the end of the zone
    int64_t number = 0;  ///< in order of allocation, since the arena was empty
    bool set = false;
  };
  struct Zone {
    const char* begin;
    size_t bytes;
  };
  static Zone before(const Entry& e);
  static Zone behind(const Entry& e);
  void set(const Zone& zone) const;
  std::vector<uint8_t> read(const Zone& zone) const;

  Stream stream_;
  DeviceArray<uint8_t> pattern_;
  std::vector<Entry> entries_;
  int64_t next_ = 0;
};

}  // namespace temper
