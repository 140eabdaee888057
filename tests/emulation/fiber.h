#pragma once
// A separate stack to run on, known to the sanitizers.
#include <ucontext.h>

#include <cstddef>

namespace temper::emulation {

/// The files of the emulation are compiled without ThreadSanitizer, which is told by hand who runs and who waits for
/// whom.
#if defined(TEMPER_EMULATION_TSAN)
inline constexpr bool kTsan = true;
#else
inline constexpr bool kTsan = false;
#endif

/// One flow of control: the caller's own (default constructed), or a new one.
class Fiber {
 public:
  Fiber();
  explicit Fiber(void (*entry)());
  ~Fiber();
  Fiber(const Fiber&) = delete;

  /// Continues `to` where it stopped. Returns when another fiber switches back to this one.
  void switch_to(Fiber& to);
  /// First thing on a new stack.
  static void arrived();

 private:
  [[noreturn]] static void enter(Fiber& to);

  // ucontext starts a fiber; afterwards it is left and entered by jumps, which need no system call.
  ucontext_t start_{};
  void* jump_[5];
  bool started_ = true;
  void* stack_ = nullptr;  // null: the caller's own
  const void* bottom_ = nullptr;
  size_t size_ = 0;
  void* asan_ = nullptr;
  void* tsan_ = nullptr;
};

/// Order between flows of control, for ThreadSanitizer: an acquire sees what was written before the release.
void publish(char* tag);
void observe(char* tag);

}  // namespace temper::emulation
