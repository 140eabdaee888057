#include "data/shuffle.h"

#include <numeric>
#include <utility>

#include "kernels/runtime/check.h"

namespace temper {

std::vector<int32_t> permutation(int64_t n, const RngKey& key) {
  TEMPER_CHECK(n <= INT32_MAX, "permutation: at most ", INT32_MAX, " elements, got ", n);
  std::vector<int32_t> order(n);
  std::iota(order.begin(), order.end(), 0);
  Philox4 words{};
  for (int64_t i = n - 1, drawn = 0; i > 0; --i, ++drawn) {
    if (drawn % 4 == 0) words = random_words(key, 0, static_cast<uint32_t>(drawn / 4));
    const uint64_t j = (uint64_t{words.x[drawn % 4]} * static_cast<uint64_t>(i + 1)) >> 32;
    std::swap(order[i], order[j]);
  }
  return order;
}

std::vector<int32_t> mixed_order(const MixedOrder& m, uint64_t seed, int64_t epoch) {
  TEMPER_CHECK(m.own + m.extra <= INT32_MAX, "loader: at most ", INT32_MAX, " images, got ", m.own + m.extra);
  std::vector<int32_t> order, pass;
  order.reserve(static_cast<size_t>(m.batches * (m.own_rows + m.extra_rows)));
  const RngKey draws{seed, RngStreamId::shuffle, static_cast<uint32_t>(epoch), 1};
  int64_t own = epoch * m.batches * m.own_rows, open = -1;
  uint32_t drawn = 0;
  Philox4 words{};
  for (int64_t b = 0; b < m.batches; ++b) {
    for (int64_t i = 0; i < m.own_rows; ++i, ++own) {
      if (own / m.own != open) {
        open = own / m.own;
        pass = permutation(m.own, {seed, RngStreamId::shuffle, static_cast<uint32_t>(open)});
      }
      order.push_back(pass[own % m.own]);
    }
    for (int64_t i = 0; i < m.extra_rows; ++i, ++drawn) {
      if (drawn % 4 == 0) words = random_words(draws, 0, drawn / 4);
      const uint64_t j = (uint64_t{words.x[drawn % 4]} * static_cast<uint64_t>(m.extra)) >> 32;
      order.push_back(static_cast<int32_t>(m.own + static_cast<int64_t>(j)));
    }
  }
  return order;
}

}  // namespace temper
