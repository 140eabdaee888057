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

}  // namespace temper
