#pragma once
#include "bench/suite.h"
#include "kernels/runtime/case.h"

namespace temper::bench {

/// A kernel's case prepared for timing, with its comparison: the unfused steps, or otherwise a library's operation.
/// Throws Error if the kernel's or the unfused result is wrong. A library whose result is wrong is left out, and the
/// work's note says so. The case must outlive the work.
Work prepare_kernel(const KernelCase& c, Stream stream);

}  // namespace temper::bench
