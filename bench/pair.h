#pragma once
#include <iosfwd>
#include <string>
#include <vector>

#include "bench/compare.h"

namespace temper::bench {

/// The settings for two programs that are measured in turn.
struct PairOptions {
  std::string base, now;               ///< temper-bench of before and after; options may follow the path
  std::vector<std::string> arguments;  ///< of both: a suite and its options
  double timeout = 3;                  ///< seconds per case, over all starts
  int restarts = 30;  ///< how often both start afresh at most: where their memory lies differs each time
  CompareOptions compare;
};

struct PairReports {
  Report base, now;
};

/// Starts both programs with --serve repeatedly. Each time it takes samples of every case from the two in alternating
/// order, and counts their medians as one pair of samples; a case ends when its verdict is no longer UNSURE. Throws
/// Error if a program does not answer as expected.
PairReports measure_pair(const PairOptions& options, std::ostream& log);

}  // namespace temper::bench
