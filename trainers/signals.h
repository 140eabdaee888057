#pragma once

namespace temper {

/// While it lives, SIGINT and SIGTERM set a flag instead of ending the process; a second one ends it at once.
/// The old handlers come back with the last guard of the process.
class SignalGuard {
 public:
  SignalGuard();
  ~SignalGuard();
  SignalGuard(const SignalGuard&) = delete;
  static bool raised();
};

}  // namespace temper
