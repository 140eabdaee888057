#pragma once
#include "core/tape.h"
#include "kernels/runtime/scalar_arg.h"

namespace TEMPER_API temper {

/// max(x, 0); any shape.
Var relu(Tape& tape, const Var& x);
/// x where `open` is above 0, else 0; shapes equal. With open = relu(x) it is relu(x).
Var gated(Tape& tape, const Var& x, const Tensor& open);
/// x / (1 + exp(-x)), also called swish; any shape.
Var silu(Tape& tape, const Var& x);
/// a + b_scale * b, shapes equal.
Var add(Tape& tape, const Var& a, const Var& b, ScalarArg<float> b_scale = 1.f);
/// factor * x.
Var scale(Tape& tape, const Var& x, ScalarArg<float> factor);
/// x in another floating point type (f32 <-> bf16, f16); the same variable if it has that type already.
Var convert(Tape& tape, const Var& x, DType dtype);
/// The same elements under another shape. Copies neither the value nor the gradient.
Var reshape(Tape& tape, const Var& x, Shape shape);

/// For backward closures: adds alpha * dy to the gradient of x.
void accumulate_gradient(Tape& tape, const Var& x, const Tensor& dy, ScalarArg<float> alpha);

}  // namespace temper
