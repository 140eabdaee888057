#pragma once
#include <cstddef>
#include <memory>
#include <optional>
#include <string>

#include "kernels/runtime/stream.h"

namespace TEMPER_API temper {

/// Memory of a device that starts at a fixed address and grows up to a limit. Its contents never move.
class GrowingMemory {
 public:
  GrowingMemory() = default;
  virtual ~GrowingMemory() = default;
  GrowingMemory(const GrowingMemory&) = delete;

  char* begin() const { return begin_; }
  size_t limit() const { return limit_; }  ///< maximal size
  size_t ready() const { return ready_; }  ///< usable now
  /// A note for the user about how it was made; may be empty.
  const std::string& note() const { return note_; }
  /// Makes at least the first `bytes`, at most limit(), usable. Not during a capture. On failure it returns the reason,
  /// such as "the GPU has 3 of 80000 MB left", and nothing changes.
  virtual std::optional<std::string> grow(size_t bytes) = 0;

 protected:
  char* begin_ = nullptr;
  size_t limit_ = 0, ready_ = 0;
  std::string note_;
};

/// Ordinary memory of `limit` bytes, all of it usable.
std::unique_ptr<GrowingMemory> make_whole_memory(Device device, size_t limit, std::string note = {});

/// On the CPU: reserved address space, all of it usable; the system provides pages when they are touched. On CUDA:
/// reserved addresses to which memory is mapped as it is needed; if the driver cannot do that, memory of the full size
/// at once, with a note. limit 0: as much as the device has (without growth: four fifths of the free memory). Throws
/// Error if the device refuses.
std::unique_ptr<GrowingMemory> make_growing_memory(Device device, size_t limit);

}  // namespace temper
