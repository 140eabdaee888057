#pragma once
#include <utility>

#include "data/dataset.h"

namespace temper {

enum class SplitKind : uint8_t { stratified, plain };

/// Holds `count` images out: {what remains to train on, the held-out validation set}, both in the set's own order.
/// Which images are held out depends on seed and set size (stratified: and labels) alone. stratified: every class gives
/// its share of `count`, rounded by largest remainder; plain: drawn regardless of class.
/// Throws Error unless 0 <= count < set.size().
std::pair<ImageSet, ImageSet> split_validation(ImageSet set, int64_t count, uint64_t seed,
                                               SplitKind kind = SplitKind::stratified);

/// What part of a set a sample is.
struct SetPart {
  int64_t of = 0;     ///< images of the whole set
  uint64_t seed = 0;  ///< what it was drawn with
  friend bool operator==(const SetPart&, const SetPart&) = default;
};

/// `count` images of the set in its own order, drawn with `seed`: of every class its share, rounded by largest
/// remainder, where classes are equal by draw. Throws Error unless 0 < count <= set.size().
ImageSet stratified_sample(const ImageSet& set, int64_t count, uint64_t seed);

}  // namespace temper
