#include <random>

#include "bench/compare.h"
#include "bench/stats.h"
#include "kernels/runtime/check.h"
#include "tests/fixtures/catch.h"

using namespace temper;
using namespace temper::bench;

namespace {

/// n samples around `center` as a noisy machine gives them: mostly near it, sometimes much later.
std::vector<double> noisy(int n, double center, int seed) {
  std::mt19937 gen(seed);
  std::lognormal_distribution<double> spread(0, 0.08);
  std::bernoulli_distribution hiccup(0.1);
  std::vector<double> v(n);
  for (double& x : v) x = center * spread(gen) * (hiccup(gen) ? 2.0 : 1.0);
  return v;
}

}  // namespace

TEST_CASE("quantiles interpolate between neighbours", "[bench]") {
  CHECK(quantile({3, 1, 2}, 0) == 1);
  CHECK(quantile({3, 1, 2}, 1) == 3);
  CHECK(median({4, 1, 3, 2}) == 2.5);
  CHECK(quantile({0, 10}, 0.05) == Approx(0.5));
  CHECK(quantile({7}, 0.95) == 7);
  CHECK_THROWS_WITH(median({}), ContainsSubstring("expected at least one value"));
}

TEST_CASE("the interval of the median is that of the tables", "[bench]") {
  std::vector<double> v(10);
  for (int i = 0; i < 10; ++i) v[i] = i + 1;
  CHECK(median_interval(v, 0.95) == Interval{2, 9});  // n = 10: the 2nd and the 9th, 97.9 %
  CHECK(median_interval(v, 0.99) == Interval{1, 10});
  v.resize(25);
  for (int i = 0; i < 25; ++i) v[i] = 25 - i;
  CHECK(median_interval(v, 0.95) == Interval{8, 18});
  CHECK(median_interval({5, 4, 6}, 0.95) == Interval{4, 6});
  CHECK(median_noise({1, 1, 1, 1, 1, 1, 1, 1}) == 0);
}

TEST_CASE("the interval holds the median as often as it says", "[bench]") {
  int held = 0;
  for (int seed = 0; seed < 400; ++seed) {
    std::mt19937 gen(seed);
    std::exponential_distribution<double> draw(1);
    std::vector<double> v(41);
    for (double& x : v) x = draw(gen);
    const Interval i = median_interval(v, 0.9);
    held += i.lo <= std::log(2.0) && std::log(2.0) <= i.hi;
  }
  CHECK(held >= 350);  // 90 % or a little more, of 400
  CHECK(held <= 385);
}

TEST_CASE("a verdict is about the whole interval", "[bench]") {
  CHECK(judge({1.06, 1.3}, 0.05) == Verdict::slower);
  CHECK(judge({1.04, 1.3}, 0.05) == Verdict::unsure);
  CHECK(judge({0.97, 1.04}, 0.05) == Verdict::same);
  CHECK(judge({0.7, 0.94}, 0.05) == Verdict::faster);
  CHECK(judge({0.7, 0.97}, 0.05) == Verdict::unsure);
  CHECK(judge({0.5, 2}, 0.05) == Verdict::unsure);
}

TEST_CASE("comparisons find a planted change and nothing else", "[bench]") {
  const CompareOptions o;
  for (int seed = 0; seed < 50; ++seed) {
    const auto base = noisy(200, 1, 2 * seed), again = noisy(200, 1, 2 * seed + 1);
    auto slow = again, fast = again;
    for (double& x : slow) x *= 1.2;
    for (double& x : fast) x /= 1.2;
    for (const bool paired : {false, true}) {
      CHECK(compare_samples(base, again, paired, o).verdict != Verdict::slower);
      CHECK(compare_samples(base, again, paired, o).verdict != Verdict::faster);
      CHECK(compare_samples(base, slow, paired, o).verdict == Verdict::slower);
      CHECK(compare_samples(base, fast, paired, o).verdict == Verdict::faster);
    }
  }
}

TEST_CASE("pairs see through a machine that slows down and recovers", "[bench]") {
  std::vector<double> base = noisy(100, 1, 1), now = noisy(100, 1, 2);
  for (int i = 0; i < 100; ++i) {
    const double load = i % 50 < 25 ? 1 : 3;
    base[i] *= load;
    now[i] *= load * 1.2;
  }
  CHECK(compare_samples(base, now, true, {}).verdict == Verdict::slower);
  CHECK(compare_samples(base, now, false, {}).verdict == Verdict::unsure);
}

TEST_CASE("few samples decide nothing", "[bench]") {
  CHECK(compare_samples({1, 1, 1}, {9, 9, 9}, false, {}).verdict == Verdict::unsure);
}
