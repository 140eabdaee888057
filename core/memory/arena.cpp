#include "core/memory/arena.h"

#include <cstdlib>
#include <cstring>

#include "core/memory/guard_zones.h"
#include "kernels/runtime/capture.h"

namespace temper {

namespace {
constexpr size_t kAlign = 256;
size_t megabytes(size_t bytes) { return (bytes + (1 << 20) - 1) >> 20; }
}  // namespace

ArenaGuard arena_guard_of_environment() {
  const char* value = std::getenv("TEMPER_ARENA_GUARD");
  const std::string text = value ? value : "";
  TEMPER_CHECK(text.empty() || text == "0" || text == "1", "TEMPER_ARENA_GUARD: expected 0 or 1, got ", text);
  return text == "1" ? ArenaGuard::on : ArenaGuard::off;
}

Arena::Arena(Stream stream, ArenaOptions options)
    : stream_(stream), memory_(make_growing_memory(stream.device, options.limit)) {
  if (options.guard == ArenaGuard::on) guard_ = std::make_unique<GuardZones>(stream);
}

Arena::~Arena() = default;

void Arena::make_ready(size_t end, const Shape& shape, DType dtype) {
  const size_t bytes = end - used_;
  TEMPER_CHECK(end <= memory_->limit(), "arena: a tensor ", shape, " of ", dtype, " needs ", megabytes(bytes),
               " MB with ", megabytes(used_), " of ", megabytes(memory_->limit()),
               " MB in use; raise memory.arena_mb or lower batch_size");
  if (end <= memory_->ready()) return;
  if (recording(stream_)) stream_.capture->forbid_in_capture("arena: more memory than any step before took");
  if (const auto obstacle = memory_->grow(end))
    fail("arena: a tensor ", shape, " of ", dtype, " needs ", megabytes(bytes), " MB with ", megabytes(used_),
         " MB in use, and ", *obstacle, "; lower batch_size, or end other programs on this GPU");
}

Tensor Arena::tensor(Shape shape, DType dtype) {
  const size_t room = (shape.numel() * size_of(dtype) + kAlign - 1) / kAlign * kAlign;
  const size_t zone = guard_ ? GuardZones::kBytes : 0;
  const size_t end = used_ + zone + room + zone;
  make_ready(end, shape, dtype);
  Tensor t{memory_->begin() + used_ + zone, shape, dtype, stream_.device};
  if (guard_) guard_->open(t, room);
  used_ = end;
  if (used_ > peak_) peak_ = used_;
  return t;
}

void Arena::rewind(size_t mark, bool failing) {
  char* from = memory_->begin() + mark;
  [[maybe_unused]] const size_t freed = std::exchange(used_, mark) - mark;
  if (guard_ && failing) guard_->forget(from);
  if (guard_ && !failing) guard_->close(from);
#if !defined(NDEBUG)
  if (stream_.device == Device::cpu) std::memset(from, 0xff, freed);  // 0xffff... is a NaN in every float type
#endif
}

}  // namespace temper
