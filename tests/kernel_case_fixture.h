#pragma once
#include <functional>

#include "kernels/runtime/case.h"

namespace temper::test {

struct CaseRun {
  Device device = Device::cpu;
  int64_t guard = 64;                        ///< elements on either side of every array that nobody may touch
  int64_t stagger = 0;                       ///< so many more for each array than for the one before
  std::function<void()> before_second = {};  ///< what is to make no difference, between the two runs
  int threads = 1, threads_of_second = 2;    ///< nor is the number of threads
};

/// Runs a case twice on random inputs: both runs must leave the same bits, agree with the case's reference within its
/// tolerance, and leave guard zones and inputs alone. So must its unfused steps, but for the bits.
void check_case(const KernelCase& c, const CaseRun& run);

}  // namespace temper::test
