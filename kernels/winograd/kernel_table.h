#pragma once
// The table of functions of one instruction set, for the vector type Vec of the file that includes this.
#include "kernels/winograd/filter_gradient.h"
#include "kernels/winograd/winograd.h"

namespace temper::winograd {

using conv3x3::ConvAlgorithm;
using conv3x3::ConvKernel;

/// All steps in one arithmetic, for activations of type T.
template <class Arithmetic, class T>
constexpr ConvKernel<T> kernel_in() {
  using Vec = typename Arithmetic::Vec;
  return {.filter_floats = [](int64_t inputs, int64_t outputs) { return Arithmetic::layout(inputs, outputs).floats(); },
          .filter_units = [](int64_t, int64_t outputs) { return FilterLayout<Vec>(0, outputs).units; },
          .transform_filter = Arithmetic::transform_filter,
          .workspace_floats = workspace_floats<Arithmetic>,
          .run = run<Arithmetic, T>};
}

template <class Transform>
constexpr ConvAlgorithm algorithm() {
  return {.tile = Transform::kOut,
          .f32 = kernel_in<F32<Transform>, float>(),
          .bf16 = kernel_in<F32<Transform>, bfloat16>()};
}

template <class Transform>
constexpr ConvAlgorithm algorithm_with_filter_gradient() {
  ConvAlgorithm a = algorithm<Transform>();
  a.f32.filter_gradient_floats = a.bf16.filter_gradient_floats = filter_gradient_floats<Transform>;
  a.f32.filter_gradient = filter_gradient<Transform, float>;
  a.bf16.filter_gradient = filter_gradient<Transform, bfloat16>;
  return a;
}

template <class Vec>
constexpr Kernels kernel_table() {
  return {.block = rows_at_once<Vec>(Vec::kUnits),
          .block_of_unit = rows_at_once<Vec>(1),
          .stride1 = algorithm_with_filter_gradient<Stride1<Vec>>(),
          .stride2 = algorithm_with_filter_gradient<Stride2<Vec>>(),
          .stride2_data = algorithm<Stride2Data<Vec>>()};
}

}  // namespace temper::winograd
