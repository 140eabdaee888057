#include "attacks/rows.h"

#include "kernels/row_move/row_move.h"

namespace temper {

namespace {

/// f(T, columns) for rows that can be moved.
template <class F>
void with_rows(const Tensor& t, F f) {
  const int cols = static_cast<int>(t.numel() / t.shape[0]);
  if (t.dtype == DType::i32)
    f(int32_t{}, cols);
  else
    dispatch_full(t.dtype, [&](auto tag) { f(tag, cols); });
}

Shape with_first(const Shape& s, int64_t n) {
  return s.rank() == 1   ? Shape{n}
         : s.rank() == 2 ? Shape{n, s[1]}
         : s.rank() == 3 ? Shape{n, s[1], s[2]}
                         : Shape{n, s[1], s[2], s[3]};
}

}  // namespace

Tensor gathered(Engine& engine, const Tensor& from, const Tensor& index) {
  const Tensor y = engine.arena().tensor(with_first(from.shape, index.numel()), from.dtype);
  with_rows(from, [&](auto tag, int cols) {
    using T = decltype(tag);
    gather_rows(engine.stream(), index.numel(), cols, y.as<T>(), from.as<const T>(), index.as<const int32_t>());
  });
  return y;
}

void scatter(Engine& engine, const Tensor& rows, const Tensor& into, const Tensor& index) {
  with_rows(rows, [&](auto tag, int cols) {
    using T = decltype(tag);
    scatter_rows(engine.stream(), index.numel(), cols, into.as<T>(), rows.as<const T>(), index.as<const int32_t>());
  });
}

Tensor BatchRows::operator()(const Tensor& whole) const {
  if (!whole) return {};
  return index_ ? gathered(engine_, (*whole_)(whole), index_) : whole.rows(first_, count_);
}

Batch BatchRows::operator()(const Batch& whole) const {
  return {.images = (*this)(whole.images),
          .labels = (*this)(whole.labels),
          .ids = (*this)(whole.ids),
          .targets = (*this)(whole.targets),
          .notes = (*this)(whole.notes),
          .other_labels = (*this)(whole.other_labels),
          .other_share = (*this)(whole.other_share)};
}

}  // namespace temper
