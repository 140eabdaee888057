#pragma once
// Capturing the work of a stream for replays, and planning passes, which go through work without running it.
#include <cstdint>
#include <cstring>
#include <functional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "kernels/runtime/check.h"
#include "kernels/runtime/stream.h"

namespace TEMPER_API temper {

/// Thrown for work that cannot be captured, such as a wait of the host. The same work can run without a capture.
struct NotRepeatable : Error {
  using Error::Error;
};

/// The host's part of captured work.
struct CapturedStep {
  /// A launch: the function and its arguments as bytes. Listed on the CPU only, for tests: if two steps list equal
  /// launches, replaying one captured graph for both is valid.
  struct Launch {
    std::string what;
    std::vector<char> arguments;
    friend bool operator==(const Launch&, const Launch&) = default;
  };
  std::vector<Launch> launches;
  std::vector<std::function<void()>> on_replay;  ///< callbacks for the host after every replay, in order
};

/// The mode of a stream, shared by all copies of the stream: work runs, is captured, or is only planned. A capture
/// keeps launches with their arguments, so these, and the decisions of the host, must be the same for every replay;
/// kernels read numbers that change from memory (ScalarArg). During a planning pass launches, copies, fills and
/// products do nothing, and choices that are needed before a first use (plans) are made or noted.
class Capture {
 public:
  bool recording() const { return mode_ == Mode::recording; }
  bool planning() const { return mode_ == Mode::planning; }
  /// What has been captured or planned so far, or was planned last.
  const CapturedStep& captured() const { return now_; }
  /// Changes with every capture and planning pass. Data prepared on the device (converted filters) are valid for one
  /// generation: a capture must contain their preparation, and a failed one has prepared nothing.
  uint64_t generation() const { return generation_; }

  void begin();
  CapturedStep end();
  /// Ends a failed capture.
  void abandon();

  /// Use class Planning. Host state is the same afterwards as before.
  void begin_planning();
  void end_planning();

  /// Throws NotRepeatable during a capture or planning pass: `what` needs the host.
  void forbid_in_capture(const char* what) const;
  /// During a capture: registers a callback that runs after every replay, to keep host state in step with the device.
  void on_replay(std::function<void()> f);
  /// During a planning pass: registers a callback that runs at its end, the last one first, to undo a change of host
  /// state for work that did not run.
  void undo(std::function<void()> f);
  /// During a capture or planning pass: a range was entered, or a kernel launched.
  void entered(const char* name);
  void launched(CapturedStep::Launch launch);

 private:
  enum class Mode : uint8_t { doing, recording, planning };
  void begin(Mode mode);

  Mode mode_ = Mode::doing;
  uint64_t generation_ = 1;
  const char* last_ = "";
  CapturedStep now_;
  std::vector<std::function<void()>> undo_;
};

/// A planning pass: while in scope, work on the stream is gone through without running.
class Planning {
 public:
  explicit Planning(Capture& capture) : capture_(capture) { capture_.begin_planning(); }
  ~Planning() { capture_.end_planning(); }
  Planning(const Planning&) = delete;

 private:
  Capture& capture_;
};

inline bool recording(Stream stream) { return stream.capture && stream.capture->recording(); }
inline bool planning(Stream stream) { return stream.capture && stream.capture->planning(); }
/// Whether launches are listed: during a capture or planning pass.
inline bool listing(Stream stream) { return recording(stream) || planning(stream); }
inline uint64_t generation(Stream stream) { return stream.capture ? stream.capture->generation() : 0; }

#if !defined(__CUDACC__)
namespace detail {
template <class T>
void append_bytes(std::vector<char>& to, T value) {
  static_assert(std::is_trivially_copyable_v<T>);
#if __has_builtin(__builtin_clear_padding)  // without it, two launches that are alike may look different
  __builtin_clear_padding(&value);
#endif
  const char* bytes = reinterpret_cast<const char*>(&value);
  to.insert(to.end(), bytes, bytes + sizeof value);
}
}  // namespace detail

/// Lists a launch of a CPU stream during a capture or planning pass.
template <class Fn, class... Args>
void list_launch(Stream stream, const Fn& fn, const Args&... args) {
  if (!listing(stream)) return;
  CapturedStep::Launch launch{.what = __PRETTY_FUNCTION__, .arguments = {}};
  if constexpr (!std::is_empty_v<Fn>) detail::append_bytes(launch.arguments, fn);
  (detail::append_bytes(launch.arguments, args), ...);
  stream.capture->launched(std::move(launch));
}
#else
template <class... Args>
void list_launch(Stream, const Args&...) {}
#endif

}  // namespace temper
