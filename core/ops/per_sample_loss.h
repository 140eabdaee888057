#pragma once
// Building a loss with one value per sample from a kernel, in the file of the method or attack that needs it.
#include <array>
#include <initializer_list>

#include "core/tape.h"

namespace TEMPER_API temper {

/// How per-sample losses are reduced. none: one value per sample (as attacks use; backward() differentiates their sum);
/// sum: their sum; mean: the sum divided by N (PyTorch's batchmean for KL); elementwise: the sum divided by N * C
/// (PyTorch's default for kl_div).
enum class Reduction : uint8_t { none, mean, sum, elementwise };

/// The arguments of a per-sample loss kernel: one or two operands (rows, cols).
template <class T>
struct LossArrays {
  int64_t rows;
  int cols;
  T* loss;            ///< (rows), output
  const T* value[2];  ///< of each operand
  T* gradient[2];     ///< d(loss_r)/d(row r of the operand), output; null: not wanted
};

namespace detail {
/// An operand and, if it wants a gradient, d(loss_r)/d(row r).
struct LossOperand {
  Var of;
  Tensor unit;
};
using LossOperands = std::array<LossOperand, 2>;
LossOperands loss_operands(Tape& tape, const char* op, std::initializer_list<Var> operands);
/// Reduces per-sample losses and records how the incoming gradient scales the unit gradients.
Var finish_loss(Tape& tape, const char* op, const Tensor& per_sample, Reduction reduction,
                const LossOperands& operands);
}  // namespace detail

/// A loss whose kernel computes it together with its gradient. One or two operands (N, C) of one shape and type, f32 or
/// f64; `kernel(LossArrays<T>)` launches on tape.stream() and writes one value per row, which `reduction` reduces:
///
///   Var squared_norm(Tape& tape, const Var& x, Reduction reduction) {
///     return per_sample_loss(tape, "squared_norm", reduction, {x}, [&](const auto& a) {
///       squared_norm_forward(tape.stream(), a.rows, a.cols, a.loss, a.gradient[0], a.value[0]);
///     });
///   }
template <class Kernel>
Var per_sample_loss(Tape& tape, const char* op, Reduction reduction, std::initializer_list<Var> operands,
                    Kernel kernel) {
  const detail::LossOperands of = detail::loss_operands(tape, op, operands);
  const Tensor& first = of[0].of.value;
  const Tensor loss = tape.alloc({first.shape[0]}, first.dtype);
  dispatch_full(loss.dtype, [&](auto tag) {
    using T = decltype(tag);
    kernel(LossArrays<T>{.rows = first.shape[0],
                         .cols = static_cast<int>(first.shape[1]),
                         .loss = loss.as<T>(),
                         .value = {of[0].of.value.as<const T>(), of[1].of.value.as<const T>()},
                         .gradient = {of[0].unit.as<T>(), of[1].unit.as<T>()}});
  });
  return detail::finish_loss(tape, op, loss, reduction, of);
}

/// (1): factor times the sum of a per-sample tensor.
Tensor reduced(Tape& tape, const Tensor& per_sample, double factor);

/// Throw Error, naming `op`, unless logits are (N, classes) with an element; labels are (N) i32, one for each row of x,
/// which messages call `x_is` ("logits are"); a and b agree in shape and type.
void check_logits(const char* op, const Tensor& logits);
void check_labels(const char* op, const char* x_is, const Tensor& x, const Tensor& labels);
void check_same(const char* op, const char* a_name, const Tensor& a, const char* b_name, const Tensor& b);

}  // namespace temper
