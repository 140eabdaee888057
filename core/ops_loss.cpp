#include "core/ops_loss.h"

#include "core/host.h"
#include "kernels/argmax/argmax.h"
#include "kernels/attack_loss/attack_loss.h"
#include "kernels/cosine/cosine.h"
#include "kernels/margin_loss/margin_loss.h"
#include "kernels/row_scale/row_scale.h"
#include "kernels/row_sum/row_sum.h"
#include "kernels/softmax_loss/softmax_loss.h"
#include "kernels/squared_error/squared_error.h"

namespace temper {

namespace {

/// An operand of a per-sample loss and, if it wants a gradient, d(loss_i)/d(row i).
struct Side {
  Var of;
  Tensor unit;
};

Side side(Tape& tape, const Var& v) {
  return {v, v.needs_grad() ? tape.alloc(v.value.shape, v.value.dtype) : Tensor{}};
}

double factor_of(Reduction reduction, const Shape& logits) {
  switch (reduction) {
    case Reduction::mean: return 1.0 / logits[0];
    case Reduction::elementwise: return 1.0 / logits.numel();
    default: return 1;
  }
}

Tensor reduce(Tape& tape, const Tensor& per_sample, double factor) {
  const Tensor y = tape.alloc({1}, per_sample.dtype);
  dispatch_full(y.dtype, [&](auto tag) {
    using T = decltype(tag);
    row_sum(tape.stream(), 1, static_cast<int>(per_sample.numel()), y.as<T>(), per_sample.as<T>(), factor);
  });
  return y;
}

/// Reduces per-sample losses and records how the incoming gradient scales the unit gradients of both sides.
Var finish(Tape& tape, const char* op, const Tensor& per_sample, Reduction reduction, const Side& a,
           const Side& b = {}) {
  const Shape shape = a.of.value.shape;
  const bool each = reduction == Reduction::none;
  const double factor = factor_of(reduction, shape);
  const Tensor y = each ? per_sample : reduce(tape, per_sample, factor);
  return tape.record(op, y, {a.of, b.of}, [=](Tape& tape, const Tensor& dy) {
    for (const Side& s : {a, b}) {
      if (!s.of.needs_grad()) continue;
      const GradSink sink = tape.sink(s.of);
      dispatch_full(dy.dtype, [&](auto tag) {
        using T = decltype(tag);
        row_scale(tape.stream(), shape[0], static_cast<int>(shape[1]), sink.beta, sink.into.as<T>(), s.unit.as<T>(),
                  dy.as<T>(), each ? RowFactors::one_per_row : RowFactors::one, factor);
      });
    }
  });
}

void check_logits(const char* op, const Var& logits) {
  TEMPER_CHECK(logits.value.shape.rank() == 2 && logits.value.numel() > 0, op, ": logits must be (N, classes), got ",
               logits.value.shape);
}

void check_labels(const char* op, const Tensor& logits, const Tensor& labels) {
  const int64_t n = logits.shape[0];
  TEMPER_CHECK(labels.shape == Shape{n} && labels.dtype == DType::i32, op, ": logits are ", logits.shape,
               " so labels must be (", n, ") i32, got ", labels.shape, " ", labels.dtype);
}

void check_others(const char* op, const Var& logits, const char* why) {
  TEMPER_CHECK(logits.value.shape[1] >= 2, op, ": expected at least 2 classes because ", why, ", got ",
               logits.value.shape[1]);
}

void check_same(const char* op, const char* a_name, const Tensor& a, const char* b_name, const Tensor& b) {
  TEMPER_CHECK(a.shape == b.shape && a.dtype == b.dtype, op, ": ", a_name, " is ", a.shape, " ", a.dtype, " so ",
               b_name, " must be too, got ", b.shape, " ", b.dtype);
}

}  // namespace

Var cross_entropy(Tape& tape, const Var& logits, const Tensor& labels, Reduction reduction, float smoothing) {
  check_logits("cross_entropy", logits);
  check_labels("cross_entropy", logits.value, labels);
  TEMPER_CHECK(smoothing >= 0 && smoothing <= 1, "cross_entropy: smoothing must lie in [0, 1], got ", smoothing);
  const Shape& shape = logits.value.shape;
  const Tensor loss = tape.alloc({shape[0]}, logits.value.dtype);
  const Side z = side(tape, logits);
  dispatch_full(loss.dtype, [&](auto tag) {
    using T = decltype(tag);
    softmax_cross_entropy(tape.stream(), shape[0], static_cast<int>(shape[1]), loss.as<T>(), z.unit.as<T>(),
                          logits.value.as<const T>(), labels.as<int32_t>(), smoothing);
  });
  return finish(tape, "cross_entropy", loss, reduction, z);
}

Var soft_cross_entropy(Tape& tape, const Var& logits, const Tensor& target, Reduction reduction) {
  check_logits("soft_cross_entropy", logits);
  check_same("soft_cross_entropy", "logits", logits.value, "target", target);
  const Shape& shape = logits.value.shape;
  const Tensor loss = tape.alloc({shape[0]}, logits.value.dtype);
  const Side z = side(tape, logits);
  dispatch_full(loss.dtype, [&](auto tag) {
    using T = decltype(tag);
    softmax_soft_cross_entropy(tape.stream(), shape[0], static_cast<int>(shape[1]), loss.as<T>(), z.unit.as<T>(),
                               logits.value.as<const T>(), target.as<const T>());
  });
  return finish(tape, "soft_cross_entropy", loss, reduction, z);
}

Var kl_divergence(Tape& tape, const Var& logits, const Var& target, Reduction reduction, float temperature) {
  check_logits("kl_divergence", logits);
  check_same("kl_divergence", "logits", logits.value, "target", target.value);
  TEMPER_CHECK(temperature > 0, "kl_divergence: temperature must be positive, got ", temperature);
  const Shape& shape = logits.value.shape;
  const Tensor loss = tape.alloc({shape[0]}, logits.value.dtype);
  const Side q = side(tape, logits), p = side(tape, target);
  dispatch_full(loss.dtype, [&](auto tag) {
    using T = decltype(tag);
    softmax_kl(tape.stream(), shape[0], static_cast<int>(shape[1]), loss.as<T>(), q.unit.as<T>(), p.unit.as<T>(),
               logits.value.as<const T>(), target.value.as<const T>(), temperature);
  });
  return finish(tape, "kl_divergence", loss, reduction, q, p);
}

Var margin_loss(Tape& tape, const Var& logits, const Tensor& labels, float kappa, Reduction reduction) {
  check_logits("margin_loss", logits);
  check_labels("margin_loss", logits.value, labels);
  check_others("margin_loss", logits, "the margin is to another class");
  const Shape& shape = logits.value.shape;
  const Tensor loss = tape.alloc({shape[0]}, logits.value.dtype);
  const Side z = side(tape, logits);
  dispatch_full(loss.dtype, [&](auto tag) {
    using T = decltype(tag);
    margin_loss(tape.stream(), shape[0], static_cast<int>(shape[1]), loss.as<T>(), z.unit.as<T>(),
                logits.value.as<const T>(), labels.as<int32_t>(), kappa);
  });
  return finish(tape, "margin_loss", loss, reduction, z);
}

Var log_odds(Tape& tape, const Var& logits, const Tensor& labels) {
  check_logits("log_odds", logits);
  check_labels("log_odds", logits.value, labels);
  check_others("log_odds", logits, "the odds are those of the others");
  const Shape& shape = logits.value.shape;
  const Tensor value = tape.alloc({shape[0]}, logits.value.dtype);
  const Side z = side(tape, logits);
  dispatch_full(value.dtype, [&](auto tag) {
    using T = decltype(tag);
    log_odds(tape.stream(), shape[0], static_cast<int>(shape[1]), value.as<T>(), z.unit.as<T>(),
             logits.value.as<const T>(), labels.as<int32_t>());
  });
  return finish(tape, "log_odds", value, Reduction::none, z);
}

Var kl_direction(Tape& tape, const Var& logits, const Tensor& target) {
  check_logits("kl_direction", logits);
  check_same("kl_direction", "logits", logits.value, "target", target);
  check_others("kl_direction", logits, "one class leaves nowhere to go");
  const Shape& shape = logits.value.shape;
  const Tensor value = tape.alloc({shape[0]}, logits.value.dtype);
  const Side z = side(tape, logits);
  dispatch_full(value.dtype, [&](auto tag) {
    using T = decltype(tag);
    kl_direction(tape.stream(), shape[0], static_cast<int>(shape[1]), value.as<T>(), z.unit.as<T>(),
                 logits.value.as<const T>(), target.as<const T>());
  });
  return finish(tape, "kl_direction", value, Reduction::none, z);
}

Var mean_squared_error(Tape& tape, const Var& a, const Var& b) {
  check_same("mean_squared_error", "a", a.value, "b", b.value);
  const int64_t n = a.value.numel();
  TEMPER_CHECK(n > 0, "mean_squared_error: expected at least one element, got shape ", a.value.shape);
  const int64_t rows = a.value.shape[0];
  const Tensor per_row = tape.alloc({rows}, a.value.dtype);
  dispatch_full(per_row.dtype, [&](auto tag) {
    using T = decltype(tag);
    squared_error(tape.stream(), rows, static_cast<int>(n / rows), per_row.as<T>(), a.value.as<const T>(),
                  b.value.as<const T>());
  });
  return tape.record("mean_squared_error", reduce(tape, per_row, 1.0 / n), {a, b}, [=](Tape& tape, const Tensor& dy) {
    const auto accumulate = [&](const Var& x, const Var& other) {
      if (!x.needs_grad()) return;
      const GradSink s = tape.sink(x);
      dispatch_full(dy.dtype, [&](auto tag) {
        using T = decltype(tag);
        squared_error_backward(tape.stream(), n, s.beta, s.into.as<T>(), x.value.as<const T>(),
                               other.value.as<const T>(), dy.as<const T>(), 1.0 / n);
      });
    };
    accumulate(a, b);
    accumulate(b, a);
  });
}

Var cosine_distance(Tape& tape, const Var& a, const Var& b, Reduction reduction) {
  const Shape& shape = a.value.shape;
  TEMPER_CHECK(shape.rank() == 2 && a.value.numel() > 0, "cosine_distance: a must be (N, C), got ", shape);
  check_same("cosine_distance", "a", a.value, "b", b.value);
  const Tensor loss = tape.alloc({shape[0]}, a.value.dtype);
  const Side first = side(tape, a), second = side(tape, b);
  dispatch_full(loss.dtype, [&](auto tag) {
    using T = decltype(tag);
    cosine_distance(tape.stream(), shape[0], static_cast<int>(shape[1]), loss.as<T>(), first.unit.as<T>(),
                    second.unit.as<T>(), a.value.as<const T>(), b.value.as<const T>());
  });
  return finish(tape, "cosine_distance", loss, reduction, first, second);
}

std::vector<int32_t> predictions(Engine& engine, const Tensor& logits) {
  check_logits("predictions", {logits});
  const Arena::Scope scope(engine.arena());
  const Tensor best = engine.arena().tensor({logits.shape[0]}, DType::i32);
  dispatch_full(logits.dtype, [&](auto tag) {
    using T = decltype(tag);
    argmax(engine.stream(), logits.shape[0], static_cast<int>(logits.shape[1]), best.as<int32_t>(),
           logits.as<const T>());
  });
  const std::vector<int32_t> out = host_indices(engine, best);
  for (size_t i = 0; i < out.size(); ++i)
    TEMPER_CHECK(out[i] >= 0, "predictions: the logits of sample ", i,
                 " are not finite, so they predict nothing; the network has diverged, its weights are damaged, or a "
                 "number on the way left the range of its type");
  return out;
}

int64_t count_correct(Engine& engine, const Tensor& logits, const Tensor& labels) {
  check_labels("count_correct", logits, labels);
  const std::vector<int32_t> predicted = predictions(engine, logits);
  const std::vector<int32_t> wanted = host_indices(engine, labels);
  int64_t correct = 0;
  for (size_t i = 0; i < wanted.size(); ++i) correct += predicted[i] == wanted[i];
  return correct;
}

}  // namespace temper
