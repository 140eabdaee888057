#pragma once
#include "core/tape.h"

namespace TEMPER_API temper {

/// x (N, I) by w (O, I) transposed, plus bias (O) unless bias.value is empty -> (N, O). In f32 (f64 in gradient
/// checks): a 16-bit x is converted first.
Var linear(Tape& tape, const Var& x, const Var& w, const Var& bias);

/// y = beta * y + the sum of x (rows, cols) over its rows.
void column_sum(Tape& tape, const Tensor& x, float beta, const Tensor& y);

}  // namespace temper
