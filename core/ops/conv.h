#pragma once
#include "core/ops/norm.h"
#include "core/tape.h"

namespace TEMPER_API temper {

struct ConvOptions {
  int stride = 1;
  int pad = 0;
};

/// The filter of a convolution, with a version that lets a library keep what it prepares from the filter.
struct Filter {
  Var value;                               ///< (K, R, S, C)
  uint64_t version = 0;                    ///< of the contents (ParamBuffer::version); 0: unknown, so nothing is kept
  std::function<Tensor(DType)> half = {};  ///< returns the value in a 16-bit type; empty: libraries convert it

  Filter(const Var& value) : value(value) {}  // any variable can be a filter
  Filter(const Var& value, uint64_t version, std::function<Tensor(DType)> half)
      : value(value), version(version), half(std::move(half)) {}
};
/// Parameter `i` as a filter, with its version and its 16-bit copies.
Filter filter(Tape& tape, const ParamBuffer& values, int i);

/// x (N, H, W, C) by w (K, R, S, C) -> (N, P, Q, K), plus bias (K) unless bias.value is empty. Cross-correlation.
Var conv2d(Tape& tape, const Var& x, const Filter& w, const Var& bias, ConvOptions options);

/// [relu](conv2d(x, w) + bias [+ residual]). The epilogue is fused into the convolution if the back end supports it.
Var conv2d_act(Tape& tape, const Var& x, const Filter& w, const Var& bias, ConvOptions options, const Var& residual,
               Activation activation);

/// [relu](batch_norm(conv2d(x, w)) [+ residual]). With running statistics, and if no gradient of the parameters is
/// wanted (attacks in eval mode, evaluation), BatchNorm is folded into the filter, so this is one convolution with its
/// epilogue. Otherwise, and in an engine without that optimisation, it is conv2d followed by batch_norm.
Var conv2d_batch_norm(Tape& tape, const Var& x, const Filter& w, ConvOptions options, const BatchNormVars& bn,
                      const BatchNormOptions& bn_options, const Var& residual = {},
                      Activation activation = Activation::none);

}  // namespace temper
