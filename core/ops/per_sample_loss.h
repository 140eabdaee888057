#pragma once
// What a loss with one value per sample is made of, for losses that live beside the method or attack that needs them.
#include <array>
#include <initializer_list>

#include "core/tape.h"

namespace temper {

/// How per-sample losses become the result, always said in full: `none` keeps one value per sample (what attacks
/// ascend: backward() then differentiates their sum), `mean` divides the sum by N (PyTorch's batchmean for KL), `sum`
/// does not, `elementwise` divides by N * C (PyTorch's kl_div default).
enum class Reduction : uint8_t { none, mean, sum, elementwise };

/// What the kernel of a per-sample loss works on: one or two operands (rows, cols).
template <class T>
struct LossArrays {
  int64_t rows;
  int cols;
  T* loss;            ///< (rows), to be written
  const T* value[2];  ///< of each operand
  T* gradient[2];     ///< d(loss_r)/d(row r of the operand), to be written; null: not wanted
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

/// The loss that `kernel(LossArrays<T>)` computes together with its gradient, one value per row of its one or two
/// operands (N, C) of one shape and type, f32 or f64, reduced. The kernel launches on tape.stream():
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
