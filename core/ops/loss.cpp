#include "core/ops/loss.h"

#include "core/host.h"
#include "kernels/argmax/argmax.h"
#include "kernels/attack_loss/attack_loss.h"
#include "kernels/cosine/cosine.h"
#include "kernels/margin_loss/margin_loss.h"
#include "kernels/softmax_loss/softmax_loss.h"
#include "kernels/squared_error/squared_error.h"

namespace temper {

namespace {

void check_others(const char* op, const Var& logits, const char* why) {
  TEMPER_CHECK(logits.value.shape[1] >= 2, op, ": expected at least 2 classes because ", why, ", got ",
               logits.value.shape[1]);
}

}  // namespace

Var cross_entropy(Tape& tape, const Var& logits, const Tensor& labels, Reduction reduction, float smoothing) {
  check_logits("cross_entropy", logits.value);
  check_labels("cross_entropy", "logits are", logits.value, labels);
  TEMPER_CHECK(smoothing >= 0 && smoothing <= 1, "cross_entropy: smoothing must lie in [0, 1], got ", smoothing);
  return per_sample_loss(tape, "cross_entropy", reduction, {logits}, [&](const auto& a) {
    softmax_cross_entropy(tape.stream(), a.rows, a.cols, a.loss, a.gradient[0], a.value[0], labels.as<int32_t>(),
                          smoothing);
  });
}

Var soft_cross_entropy(Tape& tape, const Var& logits, const Tensor& target, Reduction reduction) {
  check_logits("soft_cross_entropy", logits.value);
  check_same("soft_cross_entropy", "logits", logits.value, "target", target);
  return per_sample_loss(tape, "soft_cross_entropy", reduction, {logits, {target}}, [&](const auto& a) {
    softmax_soft_cross_entropy(tape.stream(), a.rows, a.cols, a.loss, a.gradient[0], a.value[0], a.value[1]);
  });
}

Var kl_divergence(Tape& tape, const Var& logits, const Var& target, Reduction reduction, float temperature) {
  check_logits("kl_divergence", logits.value);
  check_same("kl_divergence", "logits", logits.value, "target", target.value);
  TEMPER_CHECK(temperature > 0, "kl_divergence: temperature must be positive, got ", temperature);
  return per_sample_loss(tape, "kl_divergence", reduction, {logits, target}, [&](const auto& a) {
    softmax_kl(tape.stream(), a.rows, a.cols, a.loss, a.gradient[0], a.gradient[1], a.value[0], a.value[1],
               temperature);
  });
}

Var margin_loss(Tape& tape, const Var& logits, const Tensor& labels, float kappa, Reduction reduction) {
  check_logits("margin_loss", logits.value);
  check_labels("margin_loss", "logits are", logits.value, labels);
  check_others("margin_loss", logits, "the margin is to another class");
  return per_sample_loss(tape, "margin_loss", reduction, {logits}, [&](const auto& a) {
    margin_loss(tape.stream(), a.rows, a.cols, a.loss, a.gradient[0], a.value[0], labels.as<int32_t>(), kappa);
  });
}

Var log_odds(Tape& tape, const Var& logits, const Tensor& labels) {
  check_logits("log_odds", logits.value);
  check_labels("log_odds", "logits are", logits.value, labels);
  check_others("log_odds", logits, "the odds are those of the others");
  return per_sample_loss(tape, "log_odds", Reduction::none, {logits}, [&](const auto& a) {
    log_odds(tape.stream(), a.rows, a.cols, a.loss, a.gradient[0], a.value[0], labels.as<int32_t>());
  });
}

Var kl_direction(Tape& tape, const Var& logits, const Tensor& target) {
  check_logits("kl_direction", logits.value);
  check_same("kl_direction", "logits", logits.value, "target", target);
  check_others("kl_direction", logits, "one class leaves nowhere to go");
  return per_sample_loss(tape, "kl_direction", Reduction::none, {logits, {target}}, [&](const auto& a) {
    kl_direction(tape.stream(), a.rows, a.cols, a.loss, a.gradient[0], a.value[0], a.value[1]);
  });
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
  return tape.record("mean_squared_error", reduced(tape, per_row, 1.0 / n), {a, b}, [=](Tape& tape, const Tensor& dy) {
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
  return per_sample_loss(tape, "cosine_distance", reduction, {a, b}, [&](const auto& r) {
    cosine_distance(tape.stream(), r.rows, r.cols, r.loss, r.gradient[0], r.gradient[1], r.value[0], r.value[1]);
  });
}

std::vector<int32_t> predictions(Engine& engine, const Tensor& logits) {
  check_logits("predictions", logits);
  const Arena::Scope scope(engine.arena());
  const Tensor best = engine.arena().tensor({logits.shape[0]}, DType::i32);
  dispatch_full(logits.dtype, [&](auto tag) {
    using T = decltype(tag);
    argmax(engine.stream(), logits.shape[0], static_cast<int>(logits.shape[1]), best.as<int32_t>(),
           logits.as<const T>());
  });
  std::vector<int32_t> out = host_indices(engine, best);
  for (size_t i = 0; i < out.size(); ++i)
    TEMPER_CHECK(out[i] >= 0, "predictions: the logits of sample ", i,
                 " are not finite, so they predict nothing; the network has diverged, its weights are damaged, or an "
                 "intermediate value overflowed its type");
  return out;
}

int64_t count_correct(Engine& engine, const Tensor& logits, const Tensor& labels) {
  check_labels("count_correct", "logits are", logits, labels);
  const std::vector<int32_t> predicted = predictions(engine, logits);
  const std::vector<int32_t> wanted = host_indices(engine, labels);
  int64_t correct = 0;
  for (size_t i = 0; i < wanted.size(); ++i) correct += predicted[i] == wanted[i];
  return correct;
}

}  // namespace temper
