#pragma once
#include <cstdint>

#include "kernels/runtime/stream.h"

namespace TEMPER_API temper {

// Objectives of attacks that use only a gradient's direction: per row of (rows, cols) logits, a value and a gradient in
// the direction of a loss's gradient, but without the positive factor that makes the latter vanish. The
// gradient's largest element is about 1, whatever the scale of the logits. A null gradient pointer: not wanted. Nothing
// may alias. Need cols >= 2; a logit that is not finite gives NaN, value and gradient. Deterministic: a row's result
// depends on that row alone. f32 and f64.

/// value_r = log(sum_{c != y} exp z_c) - z_y, the log odds against the label y: cross entropy is log(1 + exp(value)),
/// which rises with it. dlogits: softmax over the other classes, and -1 at y; cross entropy's gradient is that times
/// 1 - p_y, which f32 rounds to 0 once the network is confident. A label outside [0, cols) gives NaN.
template <class T>
void log_odds(Stream stream, int64_t rows, int cols, T* value, T* dlogits, const T* logits, const int32_t* labels);

/// value_r = KL(p || q) with p = softmax(target), q = softmax(logits). dlogits: q - p over its largest magnitude, from
/// logarithms, so that neither probabilities too small for T nor a class that has nearly all of both are lost; zero
/// where q is p.
template <class T>
void kl_direction(Stream stream, int64_t rows, int cols, T* value, T* dlogits, const T* logits, const T* target);

}  // namespace temper
