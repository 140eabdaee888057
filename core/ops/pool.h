#pragma once
#include "core/tape.h"

namespace TEMPER_API temper {

struct PoolOptions {
  int size = 2;
  int stride = 2;
  int pad = 0;
};

/// Maximum over size x size windows; padding never wins. Ties: the first in row-major order gets the gradient.
Var max_pool(Tape& tape, const Var& x, PoolOptions options);
/// Mean over size x size windows; padding counts as zeros (PyTorch's count_include_pad).
Var avg_pool(Tape& tape, const Var& x, PoolOptions options);
/// (N, H, W, C) -> (N, C) in f32 (f64): the mean over all pixels.
Var global_avg_pool(Tape& tape, const Var& x);
/// (N, H, W, C) -> (N, C*H*W) in PyTorch's order (channel, row, column), so that its linear weights fit unchanged.
Var flatten(Tape& tape, const Var& x);
/// The parameter-free shortcut of the CIFAR ResNets: every stride-th pixel, channels zero-padded to `channels`, half of
/// the new ones (rounded down) in front. He et al. 2016, option A.
Var shortcut_pad(Tape& tape, const Var& x, int stride, int channels);

}  // namespace temper
