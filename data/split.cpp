#include "data/split.h"

#include <algorithm>
#include <numeric>

#include "data/shuffle.h"

namespace temper {

namespace {

/// How many of `count` each class gives: floor of its share, then one more by largest remainder, lower classes first.
std::vector<int64_t> quotas(const ImageSet& set, int64_t count) {
  std::vector<int64_t> quota(set.classes), remainder(set.classes), by_remainder(set.classes);
  for (const int32_t label : set.labels) ++quota[label];
  int64_t left = count;
  for (int64_t k = 0; k < set.classes; ++k) {
    const int64_t share = count * quota[k];
    quota[k] = share / set.size();
    remainder[k] = share % set.size();
    left -= quota[k];
  }
  std::iota(by_remainder.begin(), by_remainder.end(), 0);
  std::stable_sort(by_remainder.begin(), by_remainder.end(),
                   [&](int64_t a, int64_t b) { return remainder[a] > remainder[b]; });
  for (int64_t i = 0; i < left; ++i) ++quota[by_remainder[i]];
  return quota;
}

}  // namespace

std::pair<ImageSet, ImageSet> split_validation(ImageSet set, int64_t count, uint64_t seed, SplitKind kind) {
  TEMPER_CHECK(count >= 0 && count < set.size(), "data.validation: expected 0 to ", set.size() - 1,
               " because the training split has ", set.size(), " images, got ", count);
  std::vector<int64_t> quota = kind == SplitKind::stratified ? quotas(set, count) : std::vector<int64_t>{count};
  std::vector<char> held_out(set.size(), 0);
  for (const int32_t i : permutation(set.size(), {.seed = seed, .purpose = Purpose::split})) {
    int64_t& left = quota[kind == SplitKind::stratified ? set.labels[i] : 0];
    if (left > 0) --left, held_out[i] = 1;
  }
  std::vector<int64_t> train, validation;
  for (int64_t i = 0; i < set.size(); ++i) (held_out[i] ? validation : train).push_back(i);
  ImageSet held = set.subset(validation);
  if (count == 0) return {std::move(set), std::move(held)};
  return {set.subset(train), std::move(held)};
}

}  // namespace temper
