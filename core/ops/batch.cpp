#include "core/ops/batch.h"

#include "core/ops/elementwise.h"
#include "kernels/axpby/axpby.h"
#include "kernels/runtime/memory.h"

namespace temper {

namespace {

/// The shape of a batch with another number of samples.
Shape with_samples(const Shape& s, int64_t n) {
  switch (s.rank()) {
    case 1: return {n};
    case 2: return {n, s[1]};
    case 3: return {n, s[1], s[2]};
    default: return {n, s[1], s[2], s[3]};
  }
}

}  // namespace

Var rows(Tape& tape, const Var& x, int64_t first, int64_t count) {
  const Tensor y = x.value.rows(first, count);
  return tape.record("rows", y, {x}, [=](Tape& tape, const Tensor& dy) {
    const GradSink s = tape.sink(x);
    const int64_t after = first + count;
    if (s.beta == 0)
      for (const Tensor& rest : {s.into.rows(0, first), s.into.rows(after, s.into.shape[0] - after)})
        set_zero(tape.stream(), rest.data, rest.bytes());
    const Tensor into = s.into.rows(first, count);
    dispatch_float(dy.dtype, [&](auto tag) {
      using T = decltype(tag);
      axpby<T>(tape.stream(), dy.numel(), 1.f, dy.as<T>(), s.beta, into.as<T>());
    });
  });
}

Var concat(Tape& tape, const Var& a, const Var& b) {
  const Shape &as = a.value.shape, &bs = b.value.shape;
  TEMPER_CHECK(
      as.rank() > 0 && as.rank() == bs.rank() && bs == with_samples(as, bs[0]) && a.value.dtype == b.value.dtype,
      "concat: a is ", as, " ", a.value.dtype, " so b must be the same but for the first extent, got ", bs, " ",
      b.value.dtype);
  const int64_t n = as[0], m = bs[0];
  const Tensor y = tape.alloc(with_samples(as, n + m), a.value.dtype);
  const auto put = [&](const Tensor& from, const Tensor& to) {
    copy(tape.stream(), to.data, to.device, from.data, from.device, from.bytes());
  };
  put(a.value, y.rows(0, n));
  put(b.value, y.rows(n, m));
  return tape.record("concat", y, {a, b}, [=](Tape& tape, const Tensor& dy) {
    if (a.needs_grad()) accumulate_gradient(tape, a, dy.rows(0, n), 1.f);
    if (b.needs_grad()) accumulate_gradient(tape, b, dy.rows(n, m), 1.f);
  });
}

}  // namespace temper
