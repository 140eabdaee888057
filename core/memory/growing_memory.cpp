#include "core/memory/growing_memory.h"

#include "core/memory/host_memory.h"
#include "kernels/runtime/memory.h"

namespace temper {

namespace {

class WholeMemory : public GrowingMemory {
 public:
  WholeMemory(Device device, size_t limit, std::string note) : memory_(device, limit) {
    begin_ = memory_.as<char>();
    limit_ = ready_ = limit;
    note_ = std::move(note);
  }
  std::optional<std::string> grow(size_t) override { return {}; }

 private:
  Memory memory_;
};

}  // namespace

std::unique_ptr<GrowingMemory> make_whole_memory(Device device, size_t limit, std::string note) {
  return std::make_unique<WholeMemory>(device, limit, std::move(note));
}

#if defined(TEMPER_CUDA)
std::unique_ptr<GrowingMemory> make_cuda_growing_memory(size_t limit);  // growing_memory_cuda.cpp
#endif

std::unique_ptr<GrowingMemory> make_growing_memory([[maybe_unused]] Device device, size_t limit) {
#if defined(TEMPER_CUDA)
  if (device == Device::cuda) return make_cuda_growing_memory(limit);
#endif
  return make_whole_memory(Device::cpu, limit > 0 ? limit : memory_of_host());
}

}  // namespace temper
