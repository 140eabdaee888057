#pragma once
#include <cstddef>
#include <memory>
#include <optional>
#include <string>

#include "kernels/runtime/stream.h"

namespace TEMPER_API temper {

/// Memory of a device that begins at one address and grows there, up to a limit: what lies in it never moves.
class GrowingMemory {
 public:
  GrowingMemory() = default;
  virtual ~GrowingMemory() = default;
  GrowingMemory(const GrowingMemory&) = delete;

  char* begin() const { return begin_; }
  size_t limit() const { return limit_; }  ///< the most it can become
  size_t ready() const { return ready_; }  ///< how much of it can be used now
  /// What is worth telling a person about how it came to be; empty: nothing.
  const std::string& note() const { return note_; }
  /// Makes the first `bytes`, at most limit(), ready; more than that may be. Not in a captured step. Returns what
  /// stands in the way, such as "the GPU has 3 of 80000 MB left", and then has not changed.
  virtual std::optional<std::string> grow(size_t bytes) = 0;

 protected:
  char* begin_ = nullptr;
  size_t limit_ = 0, ready_ = 0;
  std::string note_;
};

/// Ordinary memory of `limit` bytes, all of it ready.
std::unique_ptr<GrowingMemory> make_whole_memory(Device device, size_t limit, std::string note = {});

/// On the CPU address space, all of it ready: pages become memory when they are touched. On CUDA address space to which
/// memory is added bit by bit; where the driver cannot do that, memory of the full size at once, with a note. limit 0:
/// as much as the device has, without growth four fifths of what is free. Throws Error when the device refuses.
std::unique_ptr<GrowingMemory> make_growing_memory(Device device, size_t limit);

}  // namespace temper
