#pragma once
// The error if a library has no engine for a computation. Independent of the library.
#include <cstdint>
#include <string>

namespace temper {

/// The engines that a library proposed for a key, and why they were refused.
struct PlanRefusals {
  int proposed = 0;
  int wrong = 0;                ///< gave a wrong result when they were checked
  int nondeterministic = 0;     ///< would not repeat bit for bit
  int imprecise = 0;            ///< would round operands in f32
  int too_large = 0;            ///< need more work space than allowed
  int failed = 0;               ///< the library could not finish them
  int64_t least_workspace = 0;  ///< bytes, of those that are too large
  std::string last_failure;     ///< the library's own words
};

/// The library ("cuDNN 9.19.0"), the device ("NVIDIA H100 (sm_90)"), and the limit on work space in bytes.
struct PlanSource {
  std::string library, device;
  int64_t workspace = 0;
};

/// "of 7 it proposes, 1 would not repeat bit for bit, 4 would round their operands", or "it proposes none".
std::string refused_text(const PlanRefusals& refusals, const PlanSource& source);

}  // namespace temper
