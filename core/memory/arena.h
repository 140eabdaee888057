#pragma once
#include <exception>
#include <memory>
#include <string>

#include "core/memory/growing_memory.h"
#include "core/tensor.h"

namespace TEMPER_API temper {

class GuardZones;

/// Whether an arena puts guard zones around every tensor and checks them when it is freed. For tests: it is slow, above
/// all on a GPU.
enum class ArenaGuard : uint8_t { off, on };

/// `on` if the environment has TEMPER_ARENA_GUARD=1. Throws Error for values other than 0 and 1.
ArenaGuard arena_guard_of_environment();

struct ArenaOptions {
  size_t limit = 0;  ///< bytes; 0: as much as the device has
  ArenaGuard guard = ArenaGuard::off;
};

/// Bump allocator for everything that lives no longer than a step. The same calls give the same addresses, so a step
/// can be captured once and replayed. It takes as much memory of the device as was in use at once so far: on the CPU
/// pages that were touched, on CUDA memory that is mapped to reserved addresses in large pieces.
class Arena {
 public:
  explicit Arena(Stream stream, ArenaOptions options = {});
  ~Arena();
  Arena(const Arena&) = delete;

  /// An uninitialised tensor, 256-byte aligned. Throws Error if the limit is exceeded or the device has no more memory,
  /// and NotRepeatable if it would have to take more memory during a capture.
  Tensor tensor(Shape shape, DType dtype);

  size_t used() const { return used_; }
  size_t peak() const { return peak_; }
  void reset_peak() { peak_ = used_; }
  /// A note for the user about its memory; may be empty.
  const std::string& note() const { return memory_->note(); }

  /// Frees, at its end, everything allocated since its beginning. Debug builds overwrite the memory with NaN. With
  /// guard zones it throws Error if something was written out of bounds, unless another exception is being thrown.
  class Scope {
   public:
    explicit Scope(Arena& arena) : arena_(arena), mark_(arena.used_), exceptions_(std::uncaught_exceptions()) {}
    ~Scope() noexcept(false) { arena_.rewind(mark_, std::uncaught_exceptions() > exceptions_); }
    Scope(const Scope&) = delete;

   private:
    Arena& arena_;
    size_t mark_;
    int exceptions_;
  };

 private:
  void rewind(size_t mark, bool failing);
  void make_ready(size_t end, const Shape& shape, DType dtype);

  Stream stream_;
  std::unique_ptr<GrowingMemory> memory_;
  std::unique_ptr<GuardZones> guard_;  ///< null: off
  size_t used_ = 0, peak_ = 0;
};

}  // namespace temper
