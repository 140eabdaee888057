#pragma once
#include <cstdint>

#include "kernels/runtime/stream.h"

namespace TEMPER_API temper {

/// loss_r = -max(z_y - max_{j != y} z_j + kappa, 0) for each row z of (rows, cols) logits with label y, to be ascended,
/// and its gradient (null: not wanted): -1 at y, +1 at the first largest other logit, 0 elsewhere and where the clamp
/// binds. Needs cols >= 2; a label outside [0, cols) or a logit that is not finite gives NaN, loss and gradient.
/// Deterministic. f32 and f64. Carlini & Wagner 2017, f6.
template <class T>
void margin_loss(Stream stream, int64_t rows, int cols, T* loss, T* dlogits, const T* logits, const int32_t* labels,
                 float kappa);

}  // namespace temper
