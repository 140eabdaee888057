#include "core/arena.h"

#include <cstring>

#include "kernels/runtime/memory.h"

namespace temper {

namespace {
constexpr size_t kAlign = 256;
size_t megabytes(size_t bytes) { return (bytes + (1 << 20) - 1) >> 20; }
}  // namespace

Arena::Arena(Device device, size_t capacity)
    : device_(device), capacity_(capacity), base_(static_cast<char*>(allocate(device, capacity))) {}

Arena::~Arena() { release(device_, base_, capacity_); }

Tensor Arena::tensor(Shape shape, DType dtype) {
  const size_t bytes = (shape.numel() * size_of(dtype) + kAlign - 1) / kAlign * kAlign;
  TEMPER_CHECK(used_ + bytes <= capacity_, "arena: a tensor ", shape, " of ", dtype, " needs ", megabytes(bytes),
               " MB with ", megabytes(used_), " of ", megabytes(capacity_),
               " MB in use; raise memory.arena_mb or lower batch_size");
  Tensor t{base_ + used_, shape, dtype, device_};
  used_ += bytes;
  if (used_ > peak_) peak_ = used_;
  return t;
}

void Arena::rewind(size_t mark) {
#if !defined(NDEBUG)
  if (device_ == Device::cpu) std::memset(base_ + mark, 0xff, used_ - mark);  // 0xffff... is a NaN in every float type
#endif
  used_ = mark;
}

}  // namespace temper
