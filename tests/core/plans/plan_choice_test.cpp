#include "core/plans/plan_choice.h"

#include <vector>

#include "kernels/runtime/check.h"
#include "tests/fixtures/catch.h"

using namespace temper;

namespace {

/// A clock whose candidate i takes times[i][k] seconds at its k-th run, the last one ever after.
struct FakeTimer {
  std::vector<std::vector<double>> times;
  std::vector<size_t> runs = std::vector<size_t>(times.size());
  std::vector<size_t> order = {};

  double operator()(size_t i) {
    order.push_back(i);
    const size_t k = runs[i]++;
    return times[i][std::min(k, times[i].size() - 1)];
  }
};

size_t choose(FakeTimer& timer, TimingOptions options = {}) {
  return fastest(
      timer.times.size(), [&](size_t i) { return timer(i); }, options);
}

}  // namespace

TEST_CASE("the fastest candidate wins by its median, its first run not counted", "[plans]") {
  FakeTimer slow_start{{{9, 2}, {1, 3}}};
  CHECK(choose(slow_start) == 0);
  FakeTimer outlier{{{1, 2}, {1, 1, 50, 1, 1, 1}}};
  CHECK(choose(outlier) == 1);
}

TEST_CASE("candidates run in turn, so that a slow moment hits all of them", "[plans]") {
  FakeTimer timer{{{1}, {1}, {1}}};
  choose(timer, {.repeats = 2});
  CHECK(timer.order == std::vector<size_t>{0, 1, 2, 0, 1, 2, 0, 1, 2});
}

TEST_CASE("a difference within the margin leaves the library's own order", "[plans]") {
  FakeTimer close{{{1.0}, {0.99}, {0.985}}};
  CHECK(choose(close) == 0);
  FakeTimer separate{{{1.0}, {0.99}, {0.97}}};
  CHECK(choose(separate) == 2);
}

TEST_CASE("a candidate that fails is out; if all do, the last failure is told", "[plans]") {
  const auto seconds = [](size_t i) -> double {
    if (i == 0) fail("candidate 0 does not run");
    return 1;
  };
  CHECK(fastest(2, seconds) == 1);
  CHECK_THROWS_WITH(fastest(1, seconds), "candidate 0 does not run");
}
