#pragma once
#include "core/engine.h"
#include "data/batch.h"

namespace TEMPER_API temper {

/// The rows of a batch that an attack is working on: a slice, or the survivors of a slice.
class BatchRows {
 public:
  /// `count` rows from `first` on; copies go to the engine's arena.
  BatchRows(Engine& engine, int64_t first, int64_t count) : engine_(engine), first_(first), count_(count) {}
  /// Those rows of `part` that `index`, (M) i32, lists.
  BatchRows(const BatchRows& part, const Tensor& index)
      : engine_(part.engine_), whole_(&part), index_(index), first_(part.first_), count_(index.numel()) {}

  int64_t first() const { return first_; }
  int64_t count() const { return count_; }
  /// The rows of this part, of a tensor with one row per sample of the whole batch: a view of a slice, a copy of
  /// survivors. Empty for an empty tensor.
  Tensor operator()(const Tensor& whole) const;
  /// The same for every tensor of a batch.
  Batch operator()(const Batch& whole) const;

 private:
  Engine& engine_;
  const BatchRows* whole_ = nullptr;
  Tensor index_;
  int64_t first_, count_;
};

/// The rows of a f32, f64 or i32 tensor that `index`, (M) i32, lists, in the engine's arena; and putting such rows
/// back.
Tensor gathered(Engine& engine, const Tensor& from, const Tensor& index);
void scatter(Engine& engine, const Tensor& rows, const Tensor& into, const Tensor& index);

}  // namespace temper
