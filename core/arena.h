#pragma once
#include "core/tensor.h"

namespace temper {

/// Bump allocator for everything that lives no longer than a step. The same calls give the same addresses, which is
/// what lets a step be captured once and replayed. On the CPU the capacity is reserved address space, not memory in
/// use.
class Arena {
 public:
  Arena(Device device, size_t capacity);
  ~Arena();
  Arena(const Arena&) = delete;

  /// An uninitialised tensor, 256-byte aligned. Throws Error when the capacity is exceeded.
  Tensor tensor(Shape shape, DType dtype);

  size_t used() const { return used_; }
  size_t peak() const { return peak_; }
  void reset_peak() { peak_ = used_; }

  /// Frees what was allocated after it, on leaving the block. Debug builds overwrite it with NaN.
  class Scope {
   public:
    explicit Scope(Arena& arena) : arena_(arena), mark_(arena.used_) {}
    ~Scope() { arena_.rewind(mark_); }
    Scope(const Scope&) = delete;

   private:
    Arena& arena_;
    size_t mark_;
  };

 private:
  void rewind(size_t mark);

  Device device_;
  size_t capacity_, used_ = 0, peak_ = 0;
  char* base_;
};

}  // namespace temper
