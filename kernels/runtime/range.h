#pragma once
// Names for stretches of work. On CUDA they are NVTX ranges, which profilers show; on any device a stream that carries
// a RangeLog has them timed. Otherwise a range costs two comparisons.
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

/// Points in a stream's own time, for a device whose work the host only asks for.
class DeviceClock {
 public:
  virtual ~DeviceClock() = default;
  /// A point behind all that the stream was asked for so far; asked for in a recording, it passes with each repetition.
  virtual int mark(Stream stream) = 0;
  /// Between two points that have passed.
  virtual double seconds(int from, int to) const = 0;
  /// The point is needed no longer.
  virtual void release(int mark) = 0;
};

/// Collects the ranges of a stream as a tree: how often each was entered from where, and for how long. Not for two
/// threads at once. Without a clock of the device's, timing a range waits for the stream at both of its ends. With one
/// nobody waits, and settle() gathers the times; a range that was recorded is timed each time that the work is done
/// again, for which the log has to outlive the recording. Timed then are kernels and phases that lie in no other phase,
/// not what is inside these kernels.
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
  /// Only while no range is open. Forgets what was recorded.
  void clear();
  /// The tree stays, its times and counts become zero. Only while no range is open.
  void restart();
  /// Adds the ranges of a thread that did a part of the work of the range that is open here, one of `threads` that did
  /// so at the same time: together they count as long as the work took, if none of them waited.
  void absorb(const RangeLog& part, int threads);
  /// With a device's clock: adds what has run since the last call; the stream has to be idle. To be called after every
  /// run of what is timed.
  void settle();
  /// Whether ranges may be recorded.
  bool has_clock() const { return clock_ != nullptr; }

  void open(Stream stream, RangeKind kind, std::string_view name, std::initializer_list<int64_t> extents);
  void close(Stream stream);

 private:
  /// A range that is open.
  struct Open {
    double started = 0;
    int mark = -1;  ///< none: the device does not time it
  };
  struct Timed {
    int node, from, to;
  };
  /// The range of that name and extents in `parent`, a new one if need be.
  int inside(int parent, RangeKind kind, std::string_view name, std::span<const int64_t> extents);
  bool timed_by_device() const;
  void add(const std::vector<Timed>& all);
  void drop(std::vector<Timed>& all);

  std::unique_ptr<DeviceClock> clock_;
  std::vector<Node> nodes_;
  std::vector<Open> open_;
  int current_ = 0;
  // With a device's clock: what ran once, and what is in a recording that may run again.
  std::vector<Timed> once_, recorded_;
  uint64_t recording_ = 0;  ///< the capture's generation
  bool repeated_ = false;   ///< since the last settle()
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
