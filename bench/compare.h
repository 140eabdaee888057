#pragma once
#include <string>
#include <vector>

#include "bench/result.h"

namespace temper::bench {

enum class Verdict : uint8_t { faster, same, slower, unsure, failed };
const char* name(Verdict verdict);

struct CompareOptions {
  double min_effect = 0.05;  ///< the least change of the time that matters
  double confidence = 0.99;  ///< of the interval of the ratio
  bool any_machine = false;  ///< compare although the reports come from different processors or thread counts
};

/// The ratio new / base of one case's times in one mode, with its confidence interval.
struct Comparison {
  std::string name, mode;
  double base = 0, ratio = 0;
  Interval interval;
  Verdict verdict = Verdict::unsure;
};

/// The verdict on an interval, with e = min_effect: SLOWER if all of it is above 1 + e, FASTER if all of it is below
/// 1 / (1 + e), SAME if it lies between the two, UNSURE otherwise.
Verdict judge(const Interval& ratio, double min_effect);

/// The interval of the ratio of the medians. Paired samples (taken in turn) are compared pair by pair, so that a
/// temporary slowdown of the machine cancels; unpaired ones by the intervals of both medians.
Comparison compare_samples(const std::vector<double>& base, const std::vector<double>& now, bool paired,
                           const CompareOptions& options);

/// Compares every case and mode that both reports have, including cases that were measured before and fail now. Throws
/// Error, which says what to do, if there is none, or if the reports come from different suites or machines.
std::vector<Comparison> compare(const Report& base, const Report& now, const CompareOptions& options);

/// A line per comparison and a count.
std::string to_text(const std::vector<Comparison>& comparisons);

}  // namespace temper::bench
