#pragma once
#include "bench/suite.h"
#include "kernels/runtime/case.h"

namespace temper::bench {

/// A kernel's case ready to be timed, and what it is compared with: its unfused steps or else a library's operation.
/// Throws Error if the kernel's or the unfused result is wrong; a library whose result is wrong is left out, and the
/// work's note says so. The case has to outlive the work.
Work prepare_kernel(const KernelCase& c, Stream stream);

}  // namespace temper::bench
