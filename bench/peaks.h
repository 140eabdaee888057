#pragma once
#include <map>
#include <set>
#include <string>

#include "core/engine.h"
#include "core/files/json.h"

namespace temper::bench {

/// The best and the median rate that a probe reached, per second.
struct Peak {
  double best = 0, median = 0;
  std::string probe;  ///< the operation
};

/// The peak rates of this machine, measured in this process with the engine's threads on random data.
struct Peaks {
  Peak copy;                                       ///< bytes, read and written
  double launch = 0;                               ///< seconds of a kernel that does nothing
  std::map<std::string, Peak> flops;               ///< by math: f32, tf32, bf16, f16
  std::map<std::string, std::string> failed = {};  ///< by math, "copy" or "launch": why there is no peak
};

/// On CUDA: products of 8192 x 8192 matrices by cuBLASLt, several per sample, and a copy of 1 GB. On the CPU: a copy of
/// twice the last-level cache, and the best of 1x1 and 3x3 convolutions, products by gemm, and multiply-adds in
/// registers. Names in `maths` that are unknown are ignored.
Peaks measure_peaks(Engine& engine, const std::set<std::string>& maths);

nlohmann::ordered_json to_json(const Peaks& peaks);

/// What bounds a run, and the least time that bound allows.
struct Limit {
  std::string bound;  ///< "memory", "compute" or "launch"; empty: unknown
  double seconds = 0;
};
Limit limit_of(const Peaks& peaks, double bytes, double flops, const std::string& math);

}  // namespace temper::bench
