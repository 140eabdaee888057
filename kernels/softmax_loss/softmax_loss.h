#pragma once
#include <cstdint>

#include "kernels/runtime/stream.h"

namespace TEMPER_API temper {

// Losses on softmax(logits), one value per row of (rows, cols) logits, together with their gradient d(loss_r)/d(row r).
// All use log softmax(z)_c = (z_c - max z) - log sum exp(z - max z). A null gradient pointer: not wanted. Nothing may
// alias. Deterministic: a row's result depends on that row alone. f32 and f64.

/// loss_r = -sum_c t_c log q_c with q = softmax(logits) and t = (1 - smoothing) * onehot(label) + smoothing / cols;
/// dlogits = q - t. A label outside [0, cols) gives NaN. Szegedy et al. 2016 (smoothing).
template <class T>
void softmax_cross_entropy(Stream stream, int64_t rows, int cols, T* loss, T* dlogits, const T* logits,
                           const int32_t* labels, float smoothing);

/// loss_r = -sum_c t_c log q_c for given t >= 0 (rows, cols), which need not sum to 1; dlogits = q * sum t - t.
template <class T>
void softmax_soft_cross_entropy(Stream stream, int64_t rows, int cols, T* loss, T* dlogits, const T* logits,
                                const T* target);

/// loss_r = KL(p || q) = sum_c p_c (log p_c - log q_c) with p = softmax(target / temperature),
/// q = softmax(logits / temperature); dlogits = (q - p) / temperature,
/// dtarget = p * (log p - log q - loss_r) / temperature. No factor temperature^2.
template <class T>
void softmax_kl(Stream stream, int64_t rows, int cols, T* loss, T* dlogits, T* dtarget, const T* logits,
                const T* target, float temperature);

}  // namespace temper
