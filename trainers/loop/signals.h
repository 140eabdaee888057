#pragma once

namespace temper {

/// While it lives, SIGINT, SIGTERM and SIGHUP set a flag instead of ending the process. The second SIGINT or SIGTERM
/// ends it at once, whatever it is doing. A closed pipe is an error of the stream and no signal. A process that was
/// told to ignore SIGHUP goes on doing so. What held before comes back with the last guard of the process.
class SignalGuard {
 public:
  SignalGuard();
  ~SignalGuard();
  SignalGuard(const SignalGuard&) = delete;
  /// Whether a signal came since the first of the living guards; false where there is none.
  static bool raised();
  /// As a first signal does; nothing where there is no guard.
  static void raise();
};

/// Thrown out of a validation or a test by a signal; whoever holds the guard ends the process so that it can be
/// resumed.
struct Interrupted {};

}  // namespace temper
