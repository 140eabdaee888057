#pragma once
// Operations of libraries with which kernels are compared.
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "kernels/runtime/case.h"

namespace temper::bench {

/// A library's operation that does what a case does, on the case's arrays.
struct VendorRun {
  std::string name;             ///< of the library
  std::vector<size_t> results;  ///< the arrays that it writes
  double tolerance = 0;         ///< used if it is larger than the case's tolerance
  std::function<void()> run;    ///< the operation alone; everything is prepared
};

/// Empty if the case is no operation that libraries have (KernelCase::known), if no library of this build runs on the
/// stream's device, or if it lacks the operation for the case's types. Reads the case's inputs.
std::optional<VendorRun> vendor_run(Stream stream, const KernelCase& c, const CaseArgs& args);

#if defined(TEMPER_ONEDNN)
std::optional<VendorRun> onednn_run(Stream stream, const KernelCase& c, const CaseArgs& args);
#endif

}  // namespace temper::bench
