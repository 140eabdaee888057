#pragma once
#include <cstdint>

#include "kernels/runtime/stream.h"
#include "kernels/sgd_step/sgd_step.h"

namespace temper {

/// Arrays of n elements each. w, velocity: updated in place. grad, mask (null: none): read. average (null: none):
/// updated in place. narrow (null: none): written.
template <class T, class Narrow>
struct WeightArrays {
  T *w, *velocity;
  const T* grad;
  const T* mask = nullptr;
  T* average = nullptr;
  Narrow* narrow = nullptr;
};

/// A step of training over n elements in one pass:
///   sgd_step(w, velocity, grad, mask);  average = decay * average + (1 - decay) * w;  narrow = w, rounded to nearest
///   even
/// with the bits that sgd_step, ema and convert leave one after the other. Nothing changes where
/// step.moves is 0. Nothing may alias. T f32 with Narrow bf16 or f16; T f64 takes no narrow copy. Moves 5n elements,
/// and n for a mask, 2n for an average, n of Narrow for a copy.
template <class T, class Narrow>
void weight_update(Stream stream, int64_t n, const WeightArrays<T, Narrow>& arrays, MaskMode mode, SgdStep step,
                   Live<double> decay);

}  // namespace temper
