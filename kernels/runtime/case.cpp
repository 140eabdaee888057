#include "kernels/runtime/case.h"

namespace temper {

std::vector<KernelCase>& kernel_cases() {
  static std::vector<KernelCase> all;
  return all;
}

bool add_case(KernelCase c) {
  kernel_cases().push_back(std::move(c));
  return true;
}

}  // namespace temper
