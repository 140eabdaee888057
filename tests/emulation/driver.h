#pragma once
// The emulated driver, for tests.

namespace temper::emulation {

/// The driver has no virtual memory management during the lifetime of this object.
struct OldDriver {
  OldDriver();
  ~OldDriver();
  OldDriver(const OldDriver&) = delete;
};

}  // namespace temper::emulation
