#pragma once
#include <exception>
#include <memory>
#include <string>

#include "core/memory/growing_memory.h"
#include "core/tensor.h"

namespace TEMPER_API temper {

class GuardZones;

/// Whether an arena puts known bytes around every tensor and looks at them when it is freed. For tests: it takes time,
/// on a GPU much.
enum class ArenaGuard : uint8_t { off, on };

/// on if the environment has TEMPER_ARENA_GUARD=1. Throws Error for other values than 0 and 1.
ArenaGuard arena_guard_of_environment();

struct ArenaOptions {
  size_t limit = 0;  ///< bytes; 0: as much as the device has
  ArenaGuard guard = ArenaGuard::off;
};

/// Bump allocator for everything that lives no longer than a step. The same calls give the same addresses, which is
/// what lets a step be captured once and replayed. What it takes of the device is what was in use at once so far: on
/// the CPU pages that were touched, on CUDA memory that is added behind reserved addresses, in large pieces.
class Arena {
 public:
  explicit Arena(Stream stream, ArenaOptions options = {});
  ~Arena();
  Arena(const Arena&) = delete;

  /// An uninitialised tensor, 256-byte aligned. Throws Error when the limit is exceeded or the device has no more, and
  /// NotRepeatable when it would have to take more of it in work that is being recorded.
  Tensor tensor(Shape shape, DType dtype);

  size_t used() const { return used_; }
  size_t peak() const { return peak_; }
  void reset_peak() { peak_ = used_; }
  /// What is worth telling a person about its memory; empty: nothing.
  const std::string& note() const { return memory_->note(); }

  /// Frees what was allocated after it, on leaving the block. Debug builds overwrite it with NaN. With a guard it
  /// throws Error if something was written beside a tensor, but not while another exception is on its way.
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
  std::unique_ptr<GuardZones> guard_;  ///< none: off
  size_t used_ = 0, peak_ = 0;
};

}  // namespace temper
