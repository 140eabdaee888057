#pragma once
// 3x3 convolutions on the CPU by Winograd's algorithm (Lavin and Gray, 2016): F(4x4, 3x3), with 36 products where a
// direct convolution has 144, and its counterparts for stride 2 and for the data gradient of stride 2, with 81 products
// for 4x4 outputs. transforms.h has the formulas and their error, convolution.h the steps and the order of sums,
// filter_gradient.h the filter gradient, int16.h products of bf16 activations in 16-bit integers.
#include "kernels/runtime/conv3x3.h"
#include "kernels/runtime/instruction_set.h"

namespace temper::winograd {

/// The kernels compiled for one instruction set. x has a multiple of conv3x3::kLanes channels; y has any number, but a
/// multiple of kLanes for a filter gradient.
///
/// All instruction sets give the same bits, but for bf16 with `vnni`: where x has a multiple of 32 channels, products
/// are taken in integers (int16.h), which changes a result less than rounding the filters to bf16 would; and what is
/// too small for a normal number of bf16 becomes 0.
struct Kernels {
  int64_t block;                   ///< tiles multiplied by a vector of the filter at once
  int64_t block_of_unit;           ///< the same where there are at most kLanes outputs
  conv3x3::ConvAlgorithm stride1;  ///< any padding up to 2; the data gradient of padding p is a convolution with 2 - p
  conv3x3::ConvAlgorithm stride2;  ///< padding 1
  conv3x3::ConvAlgorithm stride2_data;  ///< the data gradient of stride2
};

/// Null in a build for another processor than x86-64. A processor without the instruction set must not run them.
const Kernels* kernels(InstructionSet set);

/// How much `a` computes for one output that the problem has: tiles at the edge compute more than are written.
double computed_per_output(const conv3x3::ConvAlgorithm& a, const conv3x3::ConvProblem& g);

/// The tiling for `threads` threads: a filter too large for the caches is read as few times as possible, and each part
/// of it by one thread only.
conv3x3::Tiling tiling(const Kernels& kernels, const conv3x3::ConvAlgorithm& a, const conv3x3::ConvProblem& g,
                       int threads);

// In files compiled for one instruction set each; kernels() chooses.
extern const Kernels kAvx2, kAvx512, kVnni;

}  // namespace temper::winograd
