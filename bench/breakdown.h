#pragma once
#include <functional>

#include "bench/peaks.h"
#include "bench/result.h"
#include "core/engine.h"
#include "kernels/runtime/range.h"

namespace temper::bench {

/// What a breakdown needs.
struct BreakdownContext {
  RangeLog& log;  ///< of `engine`; on a GPU with an event clock
  Engine& engine;
  const Peaks& peaks;  ///< kernels are compared with them
  std::string math;    ///< of the convolutions
};

/// Where the time of `run` goes. Runs it a few times to warm up, then `runs` times, and waits for the device each time.
/// The result has these keys:
///
///   seconds        one run, including the cost of timing its ranges
///   explained      the share of it inside kernels
///   timed          how; on a GPU with empty_range_seconds, which every kernel's time contains
///   phases         seconds of one run in attack, forward, backward, update, and in none of them; they do not overlap
///   kernels        by name: calls and seconds of one run, the longest first
///   convolutions   by name and extents: the same, operations, bytes, and the share of the peak
///   longest        the ten longest kernels by name and extents, with the same numbers
///
Json breakdown(const BreakdownContext& context, int runs, const std::function<void()>& run);

/// The breakdown as readable tables.
std::string breakdown_text(const Json& breakdown);

}  // namespace temper::bench
