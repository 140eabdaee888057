#include "kernels/runtime/case.h"

namespace temper {

std::vector<KernelCase>& kernel_cases() {
  static std::vector<KernelCase> all;
  return all;
}

bool add_case(KernelCase c) {
  if (c.name.empty())
    for (const CaseAxis& axis : c.axes) {
      if (!c.name.empty() && !axis.label.empty()) c.name += '/';
      c.name += axis.label;
    }
  kernel_cases().push_back(std::move(c));
  return true;
}

}  // namespace temper
