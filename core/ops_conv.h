#pragma once
#include "core/ops_norm.h"
#include "core/tape.h"

namespace temper {

struct ConvOptions {
  int stride = 1;
  int pad = 0;
};

/// x (N, H, W, C) by w (K, R, S, C) -> (N, P, Q, K), plus bias (K) unless bias.value is empty. Cross-correlation.
Var conv2d(Tape& tape, const Var& x, const Var& w, const Var& bias, ConvOptions options);

/// [relu](conv2d(x, w) + bias [+ residual]) with the epilogue inside the convolution where the back end can.
Var conv2d_act(Tape& tape, const Var& x, const Var& w, const Var& bias, ConvOptions options, const Var& residual,
               Activation activation);

/// [relu](batch_norm(conv2d(x, w)) [+ residual]). With running statistics and no gradient wanted for the parameters (an
/// eval-BN attack, evaluation) the BatchNorm is folded into the filter: one convolution with its epilogue, nothing
/// else. Otherwise, and in an engine without it, conv2d followed by batch_norm. `buffers_stamp` names the contents of
/// the running statistics (Flat::stamp).
Var conv2d_batch_norm(Tape& tape, const Var& x, const Var& w, ConvOptions options, const BatchNormVars& bn,
                      const BatchNormOptions& bn_options, uint64_t buffers_stamp, const Var& residual = {},
                      Activation activation = Activation::none);

}  // namespace temper
