#pragma once
#include "core/engine.h"
#include "core/tensor.h"
#include "kernels/runtime/rng_stream.h"

namespace TEMPER_API temper {

/// (N) i32, in the engine's arena: a class for each row of logits (N, C), drawn from softmax(logits). A draw depends on
/// the row, its id (N) and the stream alone; a row that is not finite gives -1.
Tensor draw_classes(Engine& engine, const Tensor& logits, const Tensor& ids, const RngStream& random);

}  // namespace temper
