#pragma once
// Named ranges of work. On CUDA they are NVTX ranges, which profilers show; on any device they are timed if the stream
// has a RangeLog. Otherwise a range costs two comparisons.
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/runtime/capture.h"
#include "kernels/runtime/stream.h"

namespace TEMPER_API temper {

/// A phase (attack, forward, backward, update, an op's gradient) contains other ranges; a kernel is where time is
/// spent.
enum class RangeKind : uint8_t { phase, kernel };

/// Time marks in a stream (CUDA events), for a device that runs asynchronously.
class DeviceClock {
 public:
  virtual ~DeviceClock() = default;
  /// A mark after all work submitted so far. During a capture the mark becomes part of the graph and is set by every
  /// replay.
  virtual int mark(Stream stream) = 0;
  /// The time between two marks that have been reached.
  virtual double seconds(int from, int to) const = 0;
  /// Frees a mark.
  virtual void release(int mark) = 0;
};

/// Collects the ranges of a stream as a tree of counts and times, by the range from which they were entered. Not
/// thread-safe. Without a device clock, timing a range waits for the stream at both of its ends. With a device clock it
/// does not wait, and settle() collects the times; a captured range is timed in every replay, so the log must outlive
/// the graph. A device clock times kernels and outermost phases only, not ranges within these kernels.
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

  explicit RangeLog(std::unique_ptr<DeviceClock> clock = nullptr) : clock_(std::move(clock)) { clear(); }
  RangeLog(const RangeLog&) = delete;
  /// Node 0 is the root and holds no time; a parent comes before its children.
  const std::vector<Node>& nodes() const { return nodes_; }
  /// Clears the tree. Only while no range is open.
  void clear();
  /// Sets all times and counts to zero and keeps the tree. Only while no range is open.
  void restart();
  /// Adds the ranges of one of `threads` threads that shared the work of the open range. Times are divided by
  /// `threads`, so their sum is the elapsed time, if no thread waited.
  void absorb(const RangeLog& part, int threads);
  /// With a device clock: adds the times of work since the last call. The stream must be idle. To be called after every
  /// run of timed work.
  void settle();
  /// Whether there is a device clock, so that ranges may be captured.
  bool has_clock() const { return clock_ != nullptr; }

  void open(Stream stream, RangeKind kind, std::string_view name, std::initializer_list<int64_t> extents);
  void close(Stream stream);

 private:
  /// A range that is open.
  struct Open {
    double started = 0;
    int mark = -1;  ///< -1: not timed by the device
  };
  struct Timed {
    int node, from, to;
  };
  /// The child of `parent` with that name and these extents; made if it does not exist.
  int inside(int parent, RangeKind kind, std::string_view name, std::span<const int64_t> extents);
  bool timed_by_device() const;
  void add(const std::vector<Timed>& all);
  void drop(std::vector<Timed>& all);

  std::unique_ptr<DeviceClock> clock_;
  std::vector<Node> nodes_;
  std::vector<Open> open_;
  int current_ = 0;
  // With a device clock: ranges that ran once, and ranges of a graph that may be replayed.
  std::vector<Timed> once_, recorded_;
  uint64_t recording_ = 0;  ///< generation of the capture
  bool repeated_ = false;   ///< replayed since the last settle()
};

/// A range from construction to destruction. `name` must outlive it. Ranges with different `extents` are different
/// nodes of the log.
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
  /// Planning passes are not timed.
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
