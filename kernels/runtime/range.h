#pragma once
// Names for stretches of work. On CUDA they are NVTX ranges, which profilers show; on any device a stream that carries
// a RangeLog has them timed. Otherwise a range costs two comparisons.
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/runtime/capture.h"
#include "kernels/runtime/stream.h"

namespace temper {

/// A phase (attack, forward, backward, update, an op's gradient) contains other ranges; a kernel is where time is
/// spent.
enum class RangeKind : uint8_t { phase, kernel };

/// Collects the ranges of a stream as a tree: how often each was entered from where, and for how long. Not for two
/// threads at once. Timing a range on CUDA waits for the stream at both of its ends.
class RangeLog {
 public:
  struct Node {
    std::string name;
    std::vector<int64_t> extents;
    RangeKind kind = RangeKind::phase;
    int parent = -1;
    int64_t count = 0;
    double seconds = 0;
    std::vector<int> children = {};
  };

  RangeLog() { clear(); }
  /// Node 0 is the root and holds no time; a parent comes before its children.
  const std::vector<Node>& nodes() const { return nodes_; }
  /// Only while no range is open.
  void clear();

  void open(RangeKind kind, std::string_view name, std::initializer_list<int64_t> extents);
  void close();

 private:
  std::vector<Node> nodes_;
  std::vector<double> started_;
  int current_ = 0;
};

/// Opens a range for as long as it lives. `name` must outlive it; `extents` tell apart what the log keeps apart.
class Range {
 public:
  Range(RangeKind kind, Stream stream, const char* name, std::initializer_list<int64_t> extents = {})
      : stream_(stream) {
    if (watched()) open(kind, name, extents);
  }
  ~Range() {
    if (watched()) close();
  }
  Range(const Range&) = delete;

 private:
  bool watched() const { return stream_.ranges || stream_.device == Device::cuda || listing(stream_); }
  /// Work that is only planned takes no time that anyone wants to know.
  bool timed() const { return stream_.ranges && !planning(stream_); }
  void open(RangeKind kind, const char* name, std::initializer_list<int64_t> extents) const;
  void close() const;

  Stream stream_;
};

struct KernelRange : Range {
  KernelRange(Stream stream, const char* name, std::initializer_list<int64_t> extents = {})
      : Range(RangeKind::kernel, stream, name, extents) {}
};
struct PhaseRange : Range {
  PhaseRange(Stream stream, const char* name) : Range(RangeKind::phase, stream, name) {}
};

}  // namespace temper
