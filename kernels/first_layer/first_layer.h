#pragma once
// The first layer of a network on the CPU: a direct 3x3 convolution with stride 1 and padding 1, from at most
// kMostChannels channels to a multiple of conv3x3::kLanes. Its 27 taps are too few for Winograd's algorithm to save
// time.
#include "kernels/runtime/conv3x3.h"
#include "kernels/runtime/instruction_set.h"

namespace temper::first_layer {

inline constexpr int64_t kMostChannels = 3;  ///< of the image

/// The kernels compiled for one instruction set. No sum depends on the number of threads or on the width of vectors:
/// all instruction sets give the same bits, but with `vnni` what is too small for a normal number of bf16 becomes 0.
struct Kernels {
  conv3x3::ConvAlgorithm forward;  ///< each result is one chain of fused multiply-adds: channel by channel, tap by tap

  /// The data gradient, as a convolution of dy (c channels) by the rotated filter to dx (k channels). Each result is
  /// the sum, by a fixed tree, of 16 chains, one for each channel modulo 16. No bias or ReLU.
  conv3x3::ConvAlgorithm data_gradient;
};

/// Null in a build for another processor than x86-64. A processor without the instruction set must not run them.
const Kernels* kernels(InstructionSet set);

// In files compiled for one instruction set each; kernels() chooses.
extern const Kernels kAvx2, kAvx512, kVnni;

}  // namespace temper::first_layer
