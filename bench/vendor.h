#pragma once
// What libraries on this machine do against our kernels.
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "kernels/runtime/case.h"

namespace temper::bench {

/// A library's way to do what a case does, on the case's arrays.
struct VendorRun {
  std::string name;             ///< of the library
  std::vector<size_t> results;  ///< the arrays that it writes
  double tolerance = 0;         ///< what they may be off by if that is more than the case's tolerance
  std::function<void()> run;    ///< everything is prepared: what it takes is the operation itself
};

/// None where the case is no operation that libraries have (KernelCase::known), where no library of this build runs on
/// the stream's device, or where it has no such operation for the case's types. Reads the case's inputs.
std::optional<VendorRun> vendor_run(Stream stream, const KernelCase& c, const CaseArgs& args);

#if defined(TEMPER_ONEDNN)
std::optional<VendorRun> onednn_run(Stream stream, const KernelCase& c, const CaseArgs& args);
#endif

}  // namespace temper::bench
