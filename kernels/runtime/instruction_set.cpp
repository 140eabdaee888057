#include "kernels/runtime/instruction_set.h"

namespace temper {

const char* name(InstructionSet set) {
  switch (set) {
    case InstructionSet::avx2: return "avx2";
    case InstructionSet::avx512: return "avx512";
    case InstructionSet::vnni: return "vnni";
  }
  return "?";
}

bool has([[maybe_unused]] InstructionSet set) {
#if defined(__x86_64__)
  __builtin_cpu_init();  // cases are registered before main
  switch (set) {
    case InstructionSet::avx2: return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    case InstructionSet::avx512: return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw");
    case InstructionSet::vnni:
      return has(InstructionSet::avx512) && __builtin_cpu_supports("avx512vnni") &&
             __builtin_cpu_supports("avx512bf16");
  }
#endif
  return false;
}

std::optional<InstructionSet> best_instruction_set() {
  std::optional<InstructionSet> best;
  for (const InstructionSet set : kInstructionSets)
    if (has(set)) best = set;
  return best;
}

}  // namespace temper
