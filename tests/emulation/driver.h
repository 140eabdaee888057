#pragma once
// The emulated driver, for tests.

namespace temper::emulation {

/// While one lives the driver has no virtual memory management.
struct OldDriver {
  OldDriver();
  ~OldDriver();
  OldDriver(const OldDriver&) = delete;
};

}  // namespace temper::emulation
