#pragma once
// Recorders of steps that need no GPU, and what they list.
#include <memory>
#include <string>
#include <vector>

#include "core/graph/step_graph.h"

namespace temper::test {

/// Records by doing the work, and does it again by calling it: what the class makes of its recorder, without a GPU.
struct FakeRecorder : GraphRecorder {
  struct Work : RecordedWork {
    int* launches;
    explicit Work(int* launches) : launches(launches) {}
    void launch(Stream) override { ++*launches; }
  };
  int begun = 0, ended = 0, abandoned = 0, launches = 0;
  bool is_broken = false;  ///< what broken() says
  void begin(Stream) override { ++begun; }
  std::unique_ptr<RecordedWork> end(Stream) override {
    ++ended;
    return std::make_unique<Work>(&launches);
  }
  bool broken(Stream) const noexcept override { return is_broken; }
  void abandon(Stream) noexcept override { ++abandoned; }
};

using Launches = std::vector<Recording::Launch>;

/// Whether those of kernels are listed on the CPU: nvcc compiles them without (kernels/runtime/capture.h).
#if defined(TEMPER_CUDA) && !defined(TEMPER_EMULATION)
constexpr bool kKernelsListed = false;
#else
constexpr bool kKernelsListed = true;
#endif

/// Keeps the list of launches that the CPU makes while recording; it does the work meanwhile.
struct ListingRecorder : FakeRecorder {
  Launches& list;
  explicit ListingRecorder(Launches& list) : list(list) {}
  std::unique_ptr<RecordedWork> end(Stream stream) override {
    list = stream.capture->so_far().launches;
    return FakeRecorder::end(stream);
  }
};

/// The first launch of b that is not that of a.
inline std::string difference(const Launches& a, const Launches& b) {
  for (size_t i = 0; i < a.size() && i < b.size(); ++i)
    if (!(a[i] == b[i])) return cat(i, ": ", a[i].what, " / ", b[i].what);
  return a.size() == b.size() ? "" : cat(a.size(), " launches / ", b.size());
}

}  // namespace temper::test
