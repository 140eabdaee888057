#include "data/split.h"

#include <algorithm>
#include <numeric>

#include "data/shuffle.h"

namespace temper {

namespace {

/// How many of `count` each class gives: floor of its share, then one more by largest remainder, in the order of
/// `first` where remainders are equal.
std::vector<int64_t> quotas(const ImageSet& set, int64_t count, std::vector<int32_t> first) {
  std::vector<int64_t> quota(set.classes), remainder(set.classes);
  for (const int32_t label : set.labels) ++quota[label];
  int64_t left = count;
  for (int64_t k = 0; k < set.classes; ++k) {
    const int64_t share = count * quota[k];
    quota[k] = share / set.size();
    remainder[k] = share % set.size();
    left -= quota[k];
  }
  std::stable_sort(first.begin(), first.end(), [&](int32_t a, int32_t b) { return remainder[a] > remainder[b]; });
  for (int64_t i = 0; i < left; ++i) ++quota[first[i]];
  return quota;
}

std::vector<int32_t> in_order(int64_t n) {
  std::vector<int32_t> order(n);
  std::iota(order.begin(), order.end(), 0);
  return order;
}

/// The images that fill the quotas of the classes, taken in a random order.
std::vector<char> draw(const ImageSet& set, std::vector<int64_t> quota, const RngKey& key) {
  std::vector<char> drawn(set.size(), 0);
  for (const int32_t i : permutation(set.size(), key)) {
    int64_t& left = quota[quota.size() == 1 ? 0 : set.labels[i]];
    if (left > 0) --left, drawn[i] = 1;
  }
  return drawn;
}

}  // namespace

std::pair<ImageSet, ImageSet> split_validation(ImageSet set, int64_t count, uint64_t seed, SplitKind kind) {
  TEMPER_CHECK(count >= 0 && count < set.size(), "data.validation: expected 0 to ", set.size() - 1,
               " because the training split has ", set.size(), " images, got ", count);
  const std::vector<char> held_out =
      draw(set, kind == SplitKind::stratified ? quotas(set, count, in_order(set.classes)) : std::vector<int64_t>{count},
           {.seed = seed, .stream_id = RngStreamId::split});
  std::vector<int64_t> train, validation;
  for (int64_t i = 0; i < set.size(); ++i) (held_out[i] ? validation : train).push_back(i);
  ImageSet held = set.subset(validation);
  if (count == 0) return {std::move(set), std::move(held)};
  return {set.subset(train), std::move(held)};
}

ImageSet stratified_sample(const ImageSet& set, int64_t count, uint64_t seed) {
  TEMPER_CHECK(count > 0 && count <= set.size(), "sample: expected 1 to ", set.size(), " images, got ", count);
  constexpr uint32_t kImages = 1, kClasses = 2;  // other streams than that of the validation split
  const auto key = [&](uint32_t step) { return RngKey{.seed = seed, .stream_id = RngStreamId::split, .step = step}; };
  const std::vector<int64_t> quota = quotas(set, count, permutation(set.classes, key(kClasses)));
  const std::vector<char> drawn = draw(set, quota, key(kImages));
  std::vector<int64_t> chosen;
  for (int64_t i = 0; i < set.size(); ++i)
    if (drawn[i]) chosen.push_back(i);
  return set.subset(chosen);
}

}  // namespace temper
