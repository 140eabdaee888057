#pragma once
#include <map>
#include <string>
#include <vector>

#include "core/engine.h"

namespace temper::bench {

/// What this machine does at best, measured in this process with this many threads.
struct Peaks {
  double copy = 0;                        ///< bytes per second, read and written, by copying four caches' worth
  double launch = 0;                      ///< seconds of a kernel that does nothing
  std::map<std::string, double> flops;    ///< per second, by type
  std::map<std::string, std::string> by;  ///< which probe that was
};

/// Copies memory; multiplies matrices (as 1x1 and 3x3 convolutions, and, in f32, by gemm) and, on the CPU, adds
/// products in registers. The best of them is the peak.
Peaks measure_peaks(Engine& engine, const std::vector<DType>& types);

/// What bounds a run, and the least time that bound allows.
struct Limit {
  std::string bound;  ///< "memory", "compute", "launch"; empty: nothing is known about the case
  double seconds = 0;
};
Limit limit_of(const Peaks& peaks, double bytes, double flops, DType dtype);

}  // namespace temper::bench
