#pragma once
// Recording what a stream is asked to do, for the device to do it again by itself; and going through it without doing
// it, to see what it will need.
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

/// Thrown for work that a device cannot repeat by itself, such as a wait of the host. The same work can be done.
struct NotRepeatable : Error {
  using Error::Error;
};

/// What the host knows of recorded work.
struct CapturedStep {
  /// A launch: what runs, and its arguments as bytes. Listed on the CPU alone, where nothing can be repeated: two steps
  /// with equal lists are what a repetition takes them for.
  struct Launch {
    std::string what;
    std::vector<char> arguments;
    friend bool operator==(const Launch&, const Launch&) = default;
  };
  std::vector<Launch> launches;
  std::vector<std::function<void()>> on_replay;  ///< what the host has to do each time the work is done again, in order
};

/// Whether the work of a stream is done, recorded or only planned: shared by all copies of the stream. A recording
/// holds launches with the arguments they had, so these, and whatever the host decides, have to be the same every time;
/// numbers that change are read by kernels (ScalarArg). While planning, launches, copies, fills and products do
/// nothing, and what has to be chosen before its first use is chosen or noted.
class Capture {
 public:
  bool recording() const { return mode_ == Mode::recording; }
  bool planning() const { return mode_ == Mode::planning; }
  /// What has been recorded or planned so far, or was planned last.
  const CapturedStep& captured() const { return now_; }
  /// What somebody keeps ready on the device (converted filters) counts only while this stays the same: a recording has
  /// to hold the preparations too, and one that failed has prepared nothing.
  uint64_t generation() const { return generation_; }

  void begin();
  CapturedStep end();
  /// Ends a recording that came to nothing.
  void abandon();

  /// Use class Planning. What the host keeps is the same after the end as at the begin.
  void begin_planning();
  void end_planning();

  /// Throws NotRepeatable while recording or planning: `what` cannot be repeated without the host.
  void forbid_in_capture(const char* what) const;
  /// While recording, `f` is to be called after each repetition: what the host keeps in step with the device.
  void on_replay(std::function<void()> f);
  /// While planning, `f` is to be called at its end, the last one first: what takes back a change that the host made
  /// because of work that was not done.
  void undo(std::function<void()> f);
  /// While recording or planning: the range that was entered, or a launch.
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

/// Goes through work without doing it, for as long as it lives.
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
/// Whether launches are being listed.
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

/// Lists a launch of a CPU stream, if it is being recorded or planned.
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
