#pragma once
// A test that cannot run here is reported as skipped, never as passed: CTest looks for "SKIPPED:" in the output.
#include <cstdlib>
#include <iostream>

#include "tests/catch.h"

namespace temper::test {

/// Whether this run has to prove the GPU: then nothing that belongs to the proof may be missing.
inline bool cuda_required() { return std::getenv("TEMPER_REQUIRE_CUDA") != nullptr; }

}  // namespace temper::test

/// Ends the test case it stands in for want of a device, a type or data; the reason is one line of text. With
/// TEMPER_REQUIRE_CUDA set the test fails instead.
#define TEMPER_SKIP(reason)                                                                \
  do {                                                                                     \
    if (temper::test::cuda_required()) FAIL("TEMPER_REQUIRE_CUDA is set, but " << reason); \
    TEMPER_SKIP_ON_HOST(reason);                                                           \
  } while (false)

/// The same for a reason that lies in the CPU's build or in the tools around it and says nothing about a GPU: no
/// oneDNN, no curl, no Python. Never a failure.
#if defined(TEMPER_CATCH3)
#define TEMPER_SKIP_ON_HOST(reason) SKIP("SKIPPED: " << reason)
#else
#define TEMPER_SKIP_ON_HOST(reason)                  \
  {                                                  \
    std::cout << "SKIPPED: " << reason << std::endl; \
    SUCCEED();                                       \
    return;                                          \
  }
#endif
