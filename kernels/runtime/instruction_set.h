#pragma once
// Vector instructions that some CPU kernels are compiled for, in addition to the build's own. A kernel's algorithm is a
// header of templates over a vector type Vec (vec_avx2.h, vec_avx512.h); NAME_avx2.cpp, NAME_avx512.cpp and
// NAME_vnni.cpp instantiate it, each compiled for its own instructions, and the kernel's launcher takes a table of
// functions from one of them.
//
// One definition rule: an inline function or a template instance of one of these files must never replace that of
// another file, because a processor without the instructions would run it. So Vec is a template over a tag, and each
// file has its own tag in its unnamed namespace: every instance over that Vec has internal linkage. Everything else
// that such a file calls is either in another file or always inlined.
#include <array>
#include <cstdint>
#include <optional>

#include "kernels/runtime/api.h"

namespace TEMPER_API temper {

/// In the order of their speed. `vnni`: AVX-512 with dot products of 16-bit integers and conversions to bf16.
enum class InstructionSet : uint8_t { avx2, avx512, vnni };
inline constexpr std::array kInstructionSets = {InstructionSet::avx2, InstructionSet::avx512, InstructionSet::vnni};

const char* name(InstructionSet set);

/// Whether this processor has it. False on processors other than x86-64.
bool has(InstructionSet set);

/// The fastest one that this processor has, if any.
std::optional<InstructionSet> best_instruction_set();

}  // namespace temper
