#pragma once
#include <cstdint>

#include "kernels/runtime/stream.h"
#include "kernels/sgd_step/sgd_step.h"

namespace TEMPER_API temper {

/// Arrays of n elements each. w, velocity: updated in place. grad, mask (null: none): read. average (null: none):
/// updated in place. half (may be null): output.
template <class T, class Half>
struct WeightArrays {
  T *w, *velocity;
  const T* grad;
  const T* mask = nullptr;
  T* average = nullptr;
  Half* half = nullptr;
};

/// A step of training over n elements in one pass:
///   sgd_step(w, velocity, grad, mask);  average = decay * average + (1 - decay) * w;  half = w rounded to nearest even
/// The bits are those of sgd_step, ema and convert in sequence. Nothing changes where step.moves is 0. Nothing may
/// alias. T f32 with Half bf16 or f16; T f64 takes no half copy. Moves 5n elements, and n for a mask, 2n for an
/// average, n of Half for a copy.
template <class T, class Half>
void weight_update(Stream stream, int64_t n, const WeightArrays<T, Half>& arrays, MaskMode mode, SgdStep step,
                   ScalarArg<double> decay);

}  // namespace temper
