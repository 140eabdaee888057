#include "core/memory/growing_memory.h"

#include "core/memory/host_memory.h"
#include "kernels/runtime/memory.h"

namespace temper {

namespace {

class HostMemory : public GrowingMemory {
 public:
  explicit HostMemory(size_t limit) {
    begin_ = static_cast<char*>(allocate(Device::cpu, limit));
    limit_ = ready_ = limit;
  }
  ~HostMemory() override { release(Device::cpu, begin_, limit_); }
  std::optional<std::string> grow(size_t) override { return {}; }
};

}  // namespace

#if defined(TEMPER_CUDA)
std::unique_ptr<GrowingMemory> make_cuda_growing_memory(size_t limit);  // growing_memory_cuda.cpp
#endif

std::unique_ptr<GrowingMemory> make_growing_memory([[maybe_unused]] Device device, size_t limit) {
#if defined(TEMPER_CUDA)
  if (device == Device::cuda) return make_cuda_growing_memory(limit);
#endif
  return std::make_unique<HostMemory>(limit > 0 ? limit : memory_of_host());
}

}  // namespace temper
