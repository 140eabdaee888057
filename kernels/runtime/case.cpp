#include "kernels/runtime/case.h"

namespace temper {

std::vector<KernelCase>& kernel_cases() {
  static std::vector<KernelCase> all;
  return all;
}

bool is_large(const KernelCase& c) {
  constexpr int64_t kTested = 600000;
  int64_t elements = 0;
  for (const CaseArray& a : c.arrays) elements += a.role == Role::scratch ? 0 : a.n;
  return elements > kTested;
}

bool add_case(KernelCase c) {
  kernel_cases().push_back(std::move(c));
  return true;
}

}  // namespace temper
