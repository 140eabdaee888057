#pragma once
#include "core/tape.h"
#include "nn/module.h"

namespace TEMPER_API temper {

/// The logits of clean images and of adversarial images made from them.
struct PairedLogits {
  Var clean, adversarial;
};

/// Which images pass the network first. Both have batch statistics of their own; only the running ones depend on it.
enum class FirstPass : uint8_t { clean, adversarial };

/// A training pass of each.
PairedLogits train_passes(Tape& tape, const Network& network, const Tensor& clean, const Tensor& adversarial,
                          FirstPass first = FirstPass::clean);

}  // namespace temper
