#pragma once
#include <cstdint>

#include "kernels/runtime/stream.h"

namespace TEMPER_API temper {

/// A filter, its bias (may be null: zero) and the BatchNorm with fixed statistics that follows it.
template <class T>
struct FoldInputs {
  const T *w, *bias, *gamma, *beta, *mean, *variance;
  double eps;
};

/// The BatchNorm folded into the filter before it, per output channel c of `channels`, each with `taps` weights:
///   s_c = gamma_c / sqrt(variance_c + eps);  w_out_ci = s_c * w_ci;  bias_out_c = beta_c + (bias_c - mean_c) * s_c
/// w, w_out (channels, taps); everything else (channels). f32 into f32 or bf16, f64 into f64. Moves 2 * channels *
/// taps.
template <class T, class Out>
void fold_filter(Stream stream, int64_t channels, int taps, Out* w_out, Out* bias_out, const FoldInputs<T>& in);

}  // namespace temper
