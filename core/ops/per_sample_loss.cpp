#include "core/ops/per_sample_loss.h"

#include "kernels/row_scale/row_scale.h"
#include "kernels/row_sum/row_sum.h"

namespace temper {

namespace {

double factor_of(Reduction reduction, const Shape& logits) {
  switch (reduction) {
    case Reduction::mean: return 1.0 / logits[0];
    case Reduction::elementwise: return 1.0 / logits.numel();
    default: return 1;
  }
}

}  // namespace

Tensor reduced(Tape& tape, const Tensor& per_sample, double factor) {
  const Tensor y = tape.alloc({1}, per_sample.dtype);
  dispatch_full(y.dtype, [&](auto tag) {
    using T = decltype(tag);
    row_sum(tape.stream(), 1, static_cast<int>(per_sample.numel()), y.as<T>(), per_sample.as<T>(), factor);
  });
  return y;
}

namespace detail {

LossOperands loss_operands(Tape& tape, const char* op, std::initializer_list<Var> operands) {
  TEMPER_CHECK(operands.size() == 1 || operands.size() == 2, op, ": expected one operand or two, got ",
               operands.size());
  const Tensor& first = operands.begin()->value;
  TEMPER_CHECK(first.shape.rank() == 2 && first.numel() > 0, op,
               ": expected operands (N, C) with at least one element, got ", first.shape);
  LossOperands of;
  size_t i = 0;
  for (const Var& v : operands) {
    check_same(op, "the first operand", first, "the second", v.value);
    of[i++] = {v, v.needs_grad() ? tape.alloc(v.value.shape, v.value.dtype) : Tensor{}};
  }
  return of;
}

Var finish_loss(Tape& tape, const char* op, const Tensor& per_sample, Reduction reduction,
                const LossOperands& operands) {
  const Shape shape = operands[0].of.value.shape;
  const bool each = reduction == Reduction::none;
  const double factor = factor_of(reduction, shape);
  const Tensor y = each ? per_sample : reduced(tape, per_sample, factor);
  return tape.record(op, y, {operands[0].of, operands[1].of}, [=](Tape& tape, const Tensor& dy) {
    for (const LossOperand& o : operands) {
      if (!o.of.needs_grad()) continue;
      const GradSink sink = tape.sink(o.of);
      dispatch_full(dy.dtype, [&](auto tag) {
        using T = decltype(tag);
        row_scale(tape.stream(), shape[0], static_cast<int>(shape[1]), sink.beta, sink.into.as<T>(), o.unit.as<T>(),
                  dy.as<T>(), each ? RowFactors::one_per_row : RowFactors::one, factor);
      });
    }
  });
}

}  // namespace detail

void check_logits(const char* op, const Tensor& logits) {
  TEMPER_CHECK(logits.shape.rank() == 2 && logits.numel() > 0, op, ": logits must be (N, classes), got ", logits.shape);
}

void check_labels(const char* op, const char* x_is, const Tensor& x, const Tensor& labels) {
  const int64_t n = x.shape[0];
  TEMPER_CHECK(labels.shape == Shape{n} && labels.dtype == DType::i32, op, ": ", x_is, " ", x.shape,
               " so labels must be (", n, ") i32, got ", labels.shape, " ", labels.dtype);
}

void check_same(const char* op, const char* a_name, const Tensor& a, const char* b_name, const Tensor& b) {
  TEMPER_CHECK(a.shape == b.shape && a.dtype == b.dtype, op, ": ", a_name, " is ", a.shape, " ", a.dtype, " so ",
               b_name, " must be too, got ", b.shape, " ", b.dtype);
}

}  // namespace temper
