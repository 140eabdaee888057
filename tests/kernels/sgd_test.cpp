#include <vector>

#include "kernels/ema/ema.h"
#include "kernels/sgd_step/sgd_step.h"
#include "tests/fixtures/gradcheck.h"

using namespace temper;

namespace {

struct State {
  std::vector<float> w, v, g;
  explicit State(int n) : w(n), v(n), g(n) {
    const std::vector<double> a = test::wave(n, 1), b = test::wave(n, 2), c = test::wave(n, 3);
    for (int i = 0; i < n; ++i) w[i] = a[i], v[i] = b[i], g[i] = c[i];
  }
  void step(const float* mask, MaskMode mode) {
    sgd_step<float>({}, w.size(), w.data(), v.data(), g.data(), mask, mode,
                    {.lr = 0.1, .momentum = 0.9, .weight_decay = 5e-4});
  }
};

}  // namespace

TEST_CASE("two SGD steps by hand, in PyTorch's order", "[optimizer]") {
  double w = 1, v = 0, g = 0.5;
  const SgdStep step{.lr = 0.1, .momentum = 0.9, .weight_decay = 0.01};
  sgd_step<double>({}, 1, &w, &v, &g, nullptr, MaskMode::freeze, step);
  CHECK(v == Approx(0.51).epsilon(1e-15));
  CHECK(w == Approx(0.949).epsilon(1e-15));
  sgd_step<double>({}, 1, &w, &v, &g, nullptr, MaskMode::freeze, step);
  CHECK(v == Approx(0.9 * 0.51 + 0.5 + 0.01 * 0.949).epsilon(1e-15));
  CHECK(w == Approx(0.949 - 0.1 * 0.96849).epsilon(1e-15));
}

TEST_CASE("a mask of ones is no mask, bit for bit", "[optimizer]") {
  for (const MaskMode mode : {MaskMode::zero_gradient, MaskMode::freeze}) {
    State plain(1001), masked(1001);
    const std::vector<float> ones(1001, 1.f);
    for (int i = 0; i < 3; ++i) plain.step(nullptr, mode), masked.step(ones.data(), mode);
    CHECK(plain.w == masked.w);
    CHECK(plain.v == masked.v);
  }
}

TEST_CASE("a masked weight keeps moving under zero_gradient and stays put under freeze", "[optimizer]") {
  const std::vector<float> mask = {0, 1};
  State start(2), zero(2), frozen(2);
  zero.step(mask.data(), MaskMode::zero_gradient);
  frozen.step(mask.data(), MaskMode::freeze);
  CHECK(zero.w[0] != start.w[0]);  // momentum and decay
  CHECK(zero.v[0] == Approx(0.9 * start.v[0] + 5e-4 * start.w[0]));
  CHECK(frozen.w[0] == start.w[0]);
  CHECK(frozen.v[0] == start.v[0]);
  CHECK(frozen.w[1] == zero.w[1]);
}

TEST_CASE("an average of equal weights is those weights", "[optimizer]") {
  double average = 3, w = 3;
  ema<double>({}, 1, &average, &w, 0.75);
  CHECK(average == 3);
  w = 7;
  ema<double>({}, 1, &average, &w, 0.75);
  CHECK(average == 4);
}
