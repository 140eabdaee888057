#include "kernels/percentile/percentile.h"

#include <algorithm>
#include <array>
#include <vector>

#include "kernels/percentile/percentile_body.h"
#include "kernels/runtime/map.h"
#include "kernels/runtime/pair.h"
#if defined(TEMPER_CUDA)
#include "kernels/percentile/percentile_cuda.h"
#endif

namespace temper {

namespace {

using detail::OrderKey;
using Histogram = std::array<int64_t, detail::kBins>;

/// One group's chunks, and how many values they hold.
struct Members {
  const SliceChunk *begin, *end;
  int64_t values = 0;
};

/// Calls body(copy, value) for every member, where each thread has a copy of `start`; merge(copy) follows, one at a
/// time.
template <class T, class Local, class Body, class Merge>
void for_members(Stream stream, const Members& m, const T* x, const Local& start, Body body, Merge merge) {
  Team* const team = team_for(stream, m.values);
  std::vector<Local> locals(threads_of(team), start);
  each_item(team, m.end - m.begin, [&](int64_t chunk, int thread) {
    const SliceChunk& c = m.begin[chunk];
    for (int64_t i = c.from; i < c.from + c.count; ++i) body(locals[thread], x[i]);
  });
  for (const Local& local : locals) merge(local);
}

template <class T>
T select(Stream stream, const Members& m, const PercentileRank& rank, const T* x) {
  using Key = OrderKey<T>;
  Key prefix = 0;
  int64_t left = rank.below, in_bin = 0;
  for (int i = 0; i < detail::kDigits<T>; ++i) {
    const detail::Digit digit = detail::digit<T>(i);
    Histogram count{};
    for_members(
        stream, m, x, Histogram{},
        [=](Histogram& h, T v) {
          const Key key = detail::to_key(v);
          if (digit.follows(key, prefix)) ++h[digit.of(key)];
        },
        [&](const Histogram& h) {
          for (int b = 0; b < detail::kBins; ++b) count[b] += h[b];
        });
    int bin = 0;
    while (left >= count[bin]) left -= count[bin++];
    in_bin = count[bin];
    prefix |= static_cast<Key>(bin) << digit.shift;
  }
  Key next = prefix;
  if (left + 1 == in_bin && rank.fraction > 0) {  // the last of its value: look for the next one
    next = ~Key(0);
    for_members(
        stream, m, x, next,
        [=](Key& least, T v) {
          const Key key = detail::to_key(v);
          if (key > prefix && key < least) least = key;
        },
        [&](Key least) { next = std::min(next, least); });
  }
  return detail::between(detail::from_key<T>(prefix), detail::from_key<T>(next), rank.fraction);
}

}  // namespace

template <class T>
void percentile(Stream stream, PercentilePlan& plan, const T* x, T* thresholds) {
  const KernelRange range(stream, "percentile", {plan.groups()});
  TEMPER_CUDA_HALF(percentile, stream, plan, x, thresholds);
  for (int g = 0; g < plan.groups(); ++g) {
    Members m{plan.chunks() + plan.first_chunk()[g], plan.chunks() + plan.first_chunk()[g + 1]};
    for (const SliceChunk* c = m.begin; c < m.end; ++c) m.values += c->count;
    thresholds[g] = select(stream, m, plan.ranks()[g], x);
  }
}

template void percentile<float>(Stream, PercentilePlan&, const float*, float*);
template void percentile<double>(Stream, PercentilePlan&, const double*, double*);

}  // namespace temper
