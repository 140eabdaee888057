#pragma once
// Choosing the fastest of several plans by timing them. Independent of the library and the clock.
#include <cstddef>
#include <functional>

namespace temper {

struct TimingOptions {
  int repeats = 5;
  /// A later candidate must be faster than the best before it by this share, so that noise does not overturn the
  /// library's own order.
  double margin = 0.02;
};

/// The index of the fastest of `count` candidates; seconds(i) runs candidate i once and returns its time. Every
/// candidate runs once for warm-up; then all run in turn, `repeats` times, and their medians are compared. A candidate
/// whose seconds() throws Error is excluded; if all are, the last Error is rethrown.
size_t fastest(size_t count, const std::function<double(size_t)>& seconds, TimingOptions options = {});

}  // namespace temper
