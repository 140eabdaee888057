#pragma once
// Runs cases: inputs, outputs as numbers, and whether they are what the reference says. For tests and benchmarks.
#include "kernels/runtime/case.h"

namespace TEMPER_API temper {

/// Bytes of a.n random elements of the array's range and type, `guard` more on either side.
std::vector<char> random_bytes(const CaseArray& a, int64_t guard, int seed);

/// The elements behind `data`, as numbers.
std::vector<double> to_double(const CaseArray& a, const void* data);

/// The first element of an out or inout array that is not what `tolerance` (KernelCase) allows: "array y element 3 of
/// 9: expected 1, got 2". Empty if there is none.
std::string difference(double tolerance, const CaseArray& a, const std::vector<double>& want,
                       const std::vector<double>& got);

}  // namespace temper
