#pragma once
// A test that cannot run here is reported as skipped, never as passed: CTest looks for "SKIPPED:" in the output.
#include <iostream>

#include "tests/catch.h"

/// Ends the test case it stands in. The reason is one line of text.
#if defined(TEMPER_CATCH3)
#define TEMPER_SKIP(reason) SKIP("SKIPPED: " << reason)
#else
#define TEMPER_SKIP(reason)                          \
  do {                                               \
    std::cout << "SKIPPED: " << reason << std::endl; \
    SUCCEED();                                       \
    return;                                          \
  } while (false)
#endif
