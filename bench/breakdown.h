#pragma once
#include <functional>

#include "bench/result.h"
#include "kernels/runtime/range.h"

namespace temper::bench {

/// Where the time of `run` goes, whose named ranges `log` times: runs it once to warm up, then `runs` times.
///   seconds      of one run
///   explained    the share of it inside kernels
///   phases       attack, forward, backward, update (outside one another), and what is in none of them; seconds of one
///   run kernels      by name: calls and seconds of one run, the longest first convolutions by name and extents: the
///   same, and their operations
Json breakdown(RangeLog& log, int runs, const std::function<void()>& run);

/// The breakdown as tables for people; `type` names the peak that convolutions are held against.
std::string breakdown_text(const Json& breakdown, const Json& peaks, const std::string& type);

}  // namespace temper::bench
