#pragma once
#include <cstddef>
#include <cstdint>

namespace temper {

/// Memory shared by all calls of a back end, grown to the largest need and never shrunk. Counts its allocations.
class Workspace {
 public:
  explicit Workspace(int64_t& allocations) : allocations_(allocations) {}
  ~Workspace();
  Workspace(const Workspace&) = delete;
  /// At least `bytes`, 256-byte aligned; what was there before may be gone.
  char* reserve(size_t bytes);

 private:
  int64_t& allocations_;
  char* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace temper
