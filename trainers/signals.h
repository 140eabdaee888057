#pragma once

namespace temper {

/// While it lives, SIGINT and SIGTERM set a flag instead of ending the process; a second one ends it at once.
/// The old handlers come back with the last guard of the process.
class SignalGuard {
 public:
  SignalGuard();
  ~SignalGuard();
  SignalGuard(const SignalGuard&) = delete;
  /// Whether a signal came since the first of the living guards; false where there is none.
  static bool raised();
};

/// Thrown out of a validation or a test by a signal; whoever holds the guard ends the process so that it can be
/// resumed.
struct Interrupted {};

}  // namespace temper
