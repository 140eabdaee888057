#pragma once
#include "core/tape.h"

namespace TEMPER_API temper {

/// Which statistics BatchNorm normalises with: those of this batch, or the running ones.
enum class BnStats : uint8_t { batch, running };
/// Whether a pass with batch statistics updates the running ones.
enum class BnUpdate : uint8_t { yes, no };

struct BatchNormOptions {
  BnStats stats = BnStats::batch;
  BnUpdate update = BnUpdate::yes;
  double momentum = 0.1;  ///< running <- (1 - momentum) * running + momentum * batch, variance with n/(n-1)
  double eps = 1e-5;
};

enum class Activation : uint8_t { none, relu };

/// The parameters (differentiated) and running statistics (written) of one BatchNorm branch, (C) each, f32 (f64).
struct BatchNormVars {
  Var gamma, beta;
  Tensor running_mean, running_var;
  uint64_t version = 0;  ///< changes whenever any of the four does (ParamBuffer::version); 0: not known
};

/// Per-channel sums of x and x^2, (C) each, if the producer of x (a convolution) has already computed them. Empty:
/// batch_norm computes its own statistics.
struct BatchNormSums {
  Tensor sum, squares;
};

/// y = [relu](gamma * (x - mean) / sqrt(var + eps) + beta [+ residual]), per channel (the innermost extent) over all
/// others: x is (N, H, W, C) or (N, C). One pass over memory for the statistics and one for everything else; the
/// gradient is fused the same way. residual.value empty: none. Ioffe & Szegedy 2015.
Var batch_norm(Tape& tape, const Var& x, const BatchNormVars& bn, const BatchNormOptions& options,
               const Var& residual = {}, Activation activation = Activation::none, const BatchNormSums& sums = {});

}  // namespace temper
