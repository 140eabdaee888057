#pragma once

namespace temper {

/// While a guard lives, SIGINT, SIGTERM and SIGHUP set a flag instead of ending the process. The second SIGINT or
/// SIGTERM ends it at once. SIGPIPE is ignored: a closed pipe is an error of the stream. SIGHUP stays ignored in a
/// process that was started so (nohup). The previous handlers are restored when the last guard of the process ends.
class SignalGuard {
 public:
  SignalGuard();
  ~SignalGuard();
  SignalGuard(const SignalGuard&) = delete;
  /// Whether a signal came since the first of the living guards was made. False without a guard.
  static bool raised();
  /// Sets the flag as a first signal does. Does nothing without a guard.
  static void raise();
};

/// Thrown by a validation or a test when a signal came. The owner of the guard ends the process so that the run can be
/// resumed.
struct Interrupted {};

}  // namespace temper
