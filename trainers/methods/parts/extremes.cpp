#include "trainers/methods/parts/extremes.h"

#include "core/ops/elementwise.h"
#include "core/ops/per_sample.h"
#include "kernels/argmax/argmax.h"
#include "kernels/columns/columns.h"
#include "kernels/fill/fill.h"
#include "kernels/pick/pick.h"
#include "kernels/row_scale/row_scale.h"

namespace temper {

namespace {

constexpr int kCandidates = Extremes::kCandidates;

ColumnRange column(int64_t rows, int k) { return {.rows = rows, .cols = kCandidates, .begin = k, .count = 1}; }

/// The choice of the candidate with the largest score, of scores (N, kCandidates).
void take_best(Tape& tape, const Tensor& scores, const Extremes::Choice& choice) {
  const Stream stream = tape.stream();
  const int64_t n = scores.shape[0];
  const Tensor best = tape.alloc({n}, DType::i32), ones = tape.alloc({n}, scores.dtype);
  const Tensor one_hot = tape.alloc(scores.shape, scores.dtype);
  dispatch_full(scores.dtype, [&](auto tag) {
    using T = decltype(tag);
    argmax(stream, n, kCandidates, best.as<int32_t>(), scores.as<const T>());
    fill(stream, n, ones.as<T>(), T(1));
    pick_backward(stream, n, kCandidates, ones.as<const T>(), best.as<const int32_t>(), 0.f, one_hot.as<T>());
    for (int k = 0; k < kCandidates; ++k)
      take_columns(stream, column(n, k), choice.rows(k, 1).as<T>(), one_hot.as<const T>());
  });
}

/// y = beta * y, plus the rows of x that take candidate k.
void add_rows(Stream stream, const Tensor& choice, int k, const Tensor& x, float beta, const Tensor& y) {
  const int64_t rows = choice.shape[1];
  dispatch_full(x.dtype, [&](auto tag) {
    using T = decltype(tag);
    row_scale(stream, rows, static_cast<int>(x.numel() / rows), beta, y.as<T>(), x.as<const T>(),
              choice.rows(k, 1).as<const T>(), RowFactors::one_per_row, 1);
  });
}

}  // namespace

Extremes::Extremes(Engine& engine, int64_t samples, DType dtype)
    : lowest_(engine.arena().tensor({kCandidates, samples}, dtype)),
      highest_(engine.arena().tensor({kCandidates, samples}, dtype)) {}

void Extremes::find(Tape& tape, const Logits& logits, const Tensor& labels) const {
  const int64_t n = labels.numel();
  const Tensor scores = tape.alloc({n, kCandidates}, lowest_.dtype);
  for (int k = 0; k < kCandidates; ++k) {
    const Var p = pick(tape, softmax(tape, stop_gradient(logits[k])), labels);
    dispatch_full(scores.dtype, [&](auto tag) {
      using T = decltype(tag);
      put_columns(tape.stream(), column(n, k), p.value.as<const T>(), k == 0 ? 0.f : 1.f, scores.as<T>());
    });
  }
  take_best(tape, scores, highest_);
  take_best(tape, scale(tape, {scores}, -1.f).value, lowest_);
}

void Extremes::unless_taken(Tape& tape, int candidate, int low, int high) const {
  const int64_t n = lowest_.shape[1];
  const auto takers = [&](const Choice& choice) { return sum(tape, {choice.rows(candidate, 1).reshaped({n})}); };
  const Var taken = clamp(tape, add(tape, takers(lowest_), takers(highest_)), 0, 1), not_taken = one_minus(tape, taken);
  const Tensor ones = tape.alloc({n}, lowest_.dtype);
  dispatch_full(lowest_.dtype, [&](auto tag) {
    using T = decltype(tag);
    fill(tape.stream(), n, ones.as<T>(), T(1));
    for (const auto& [choice, own] : {std::pair{lowest_, low}, {highest_, high}}) {
      const Tensor all = choice.rows(own, 1);
      row_scale(tape.stream(), kCandidates, static_cast<int>(n), 0.f, choice.template as<T>(),
                choice.template as<const T>(), taken.value.as<const T>(), RowFactors::one, 1);
      row_scale(tape.stream(), 1, static_cast<int>(n), 1.f, all.as<T>(), ones.as<const T>(),
                not_taken.value.as<const T>(), RowFactors::one, 1);
    }
  });
}

Var chosen(Tape& tape, const Extremes::Choice& choice, const Extremes::Logits& from) {
  const Tensor y = tape.alloc(from[0].value.shape, from[0].value.dtype);
  choose(tape.stream(), choice, {from[0].value, from[1].value, from[2].value}, y);
  return tape.record("chosen", y, {from[0], from[1], from[2]}, [=](Tape& tape, const Tensor& dy) {
    for (int k = 0; k < kCandidates; ++k) {
      if (!from[k].needs_grad()) continue;
      const GradSink s = tape.sink(from[k]);
      add_rows(tape.stream(), choice, k, dy, s.beta, s.into);
    }
  });
}

void choose(Stream stream, const Extremes::Choice& choice, const Extremes::Rows& from, const Tensor& to) {
  for (int k = 0; k < kCandidates; ++k) add_rows(stream, choice, k, from[k], k == 0 ? 0.f : 1.f, to);
}

}  // namespace temper
