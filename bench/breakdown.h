#pragma once
#include <functional>

#include "bench/peaks.h"
#include "bench/result.h"
#include "core/engine.h"
#include "kernels/runtime/range.h"

namespace temper::bench {

/// What a breakdown is taken with.
struct BreakdownContext {
  RangeLog& log;  ///< of `engine`; with a clock of the device's unless that is the CPU
  Engine& engine;
  const Peaks& peaks;  ///< what kernels are held against
  std::string math;    ///< of the convolutions
};

/// Where the time of `run` goes: does it a few times to warm up, then `runs` times, each until the device is done.
///   seconds        of one run, with what timing its ranges costs
///   explained      the share of it inside kernels
///   timed          how; on a GPU with empty_range_seconds, which every kernel's time contains
///   phases         attack, forward, backward, update (outside one another), and what is in none of them; seconds of
///   one run kernels        by name: calls and seconds of one run, the longest first convolutions   by name and
///   extents: the same, their operations and bytes, and their share of the peak longest        the ten longest kernels
///   by name and extents, the same
Json breakdown(const BreakdownContext& context, int runs, const std::function<void()>& run);

/// The breakdown as tables for people.
std::string breakdown_text(const Json& breakdown);

}  // namespace temper::bench
