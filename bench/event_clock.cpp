#include "bench/event_clock.h"

#include <vector>
#if defined(TEMPER_CUDA)
#include "kernels/runtime/cuda_handle.h"
#endif

namespace temper::bench {

#if defined(TEMPER_CUDA)
namespace {

class EventClock : public DeviceClock {
 public:
  int mark(Stream stream) override {
    const int at = take();
    const unsigned flags = recording(stream) ? cudaEventRecordExternal : cudaEventRecordDefault;
    TEMPER_CUDA_CALL(cudaEventRecordWithFlags(events_[at], static_cast<cudaStream_t>(stream.handle), flags));
    return at;
  }
  double seconds(int from, int to) const override {
    float ms = 0;
    TEMPER_CUDA_CALL(cudaEventElapsedTime(&ms, events_[from], events_[to]));
    return ms * 1e-3;
  }
  void release(int mark) override { free_.push_back(mark); }

 private:
  int take() {
    if (free_.empty()) {
      events_.push_back(make_event());
      return static_cast<int>(events_.size()) - 1;
    }
    const int at = free_.back();
    free_.pop_back();
    return at;
  }

  std::vector<CudaEvent> events_;
  std::vector<int> free_;
};

}  // namespace
#endif

std::unique_ptr<DeviceClock> make_event_clock([[maybe_unused]] Device device) {
#if defined(TEMPER_CUDA)
  if (device == Device::cuda) return std::make_unique<EventClock>();
#endif
  return nullptr;
}

}  // namespace temper::bench
