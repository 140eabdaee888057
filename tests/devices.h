#pragma once
// Tests of kernels and ops run on every device there is and say so when one is missing.
#include <cstdlib>
#include <iostream>
#include <vector>

#include "kernels/runtime/memory.h"
#include "tests/catch.h"

namespace temper::test {

/// The devices to test on. Without a GPU the CUDA half is announced as skipped; with TEMPER_REQUIRE_CUDA=1 it fails.
inline std::vector<Device> devices() {
  if (cuda_available()) return {Device::cpu, Device::cuda};
  if (std::getenv("TEMPER_REQUIRE_CUDA")) FAIL("TEMPER_REQUIRE_CUDA is set and no CUDA device answers");
  return {Device::cpu};
}

}  // namespace temper::test
