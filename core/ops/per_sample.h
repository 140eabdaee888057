#pragma once
// Differentiable building blocks for losses that a method defines in its own file. Operands are f32 (f64 in gradient
// checks): logits, features after pooling, per-sample losses. To split or join batches see core/ops/batch.h.
#include "core/ops/batch.h"
#include "core/tape.h"

namespace TEMPER_API temper {

/// a * b, element by element; shapes equal.
Var mul(Tape& tape, const Var& a, const Var& b);
/// log(x + plus) and exp(x) of every element.
Var log(Tape& tape, const Var& x, double plus = 0);
Var exp(Tape& tape, const Var& x);
/// min(max(x, lo), hi). The gradient is 0 where x is below lo or above hi, and passes at lo and hi themselves.
Var clamp(Tape& tape, const Var& x, double lo, double hi);
/// one - x; `one` need not be 1 (MART: 1.0000001 - p).
Var one_minus(Tape& tape, const Var& x, double one = 1);

/// Softmax and log-softmax of every row of z (N, C); log_softmax is computed directly, without underflow.
Var softmax(Tape& tape, const Var& z);
Var log_softmax(Tape& tape, const Var& z);

/// (N): x[i, labels_i] of x (N, C); labels (N) i32 must live as long as the tape. NaN for a label outside [0, C).
Var pick(Tape& tape, const Var& x, const Tensor& labels);
struct RowMaxOptions {
  Tensor except = {};  ///< (N) i32: one column of each row to leave out; empty: none
};
/// (N): the largest element of every row of x (N, C); its first occurrence takes the gradient. NaN where one is NaN.
Var row_max(Tape& tape, const Var& x, const RowMaxOptions& options = {});

/// (N): the sum of every row of x (N, C).
Var row_sum(Tape& tape, const Var& x);
/// (1): the sum and the mean of one value per sample (N).
Var sum(Tape& tape, const Var& x);
Var mean(Tape& tape, const Var& x);

/// Columns [begin, begin + count) of x (N, C): a head of a layer that has several.
Var columns(Tape& tape, const Var& x, int64_t begin, int64_t count);
}  // namespace temper
