#pragma once
#include <utility>

#include "data/dataset.h"

namespace TEMPER_API temper {

enum class SplitKind : uint8_t { stratified, plain };

/// Splits off a validation set of `count` images. Returns {training, validation}, both in the order of the set. The
/// choice depends only on seed and size of the set (stratified: and labels). stratified: every class gives its share of
/// `count`, rounded by largest remainder; plain: drawn regardless of class.
/// Throws Error unless 0 <= count < set.size().
std::pair<ImageSet, ImageSet> split_validation(ImageSet set, int64_t count, uint64_t seed,
                                               SplitKind kind = SplitKind::stratified);

/// How a sample was drawn from a set.
struct SetPart {
  int64_t of = 0;     ///< images of the whole set
  uint64_t seed = 0;  ///< of the draw
  friend bool operator==(const SetPart&, const SetPart&) = default;
};

/// A stratified sample of `count` images, drawn with `seed`, in the order of the set. Every class gives its share,
/// rounded by largest remainder; equal remainders are decided by the draw. Throws Error unless 0 < count <= set.size().
ImageSet stratified_sample(const ImageSet& set, int64_t count, uint64_t seed);

}  // namespace temper
