#include "core/gemm/gemm.h"

#include <algorithm>

#include "core/engine.h"
#include "kernels/runtime/memory.h"
#include "tests/fixtures/devices.h"
#include "tests/fixtures/gradcheck.h"

using namespace temper;

TEMPER_DEVICE_TEST("matrix products of every transposition agree with a plain loop", "[gemm]") {
  Engine engine({.device = device, .arena_mb = 16});
  const Stream stream = engine.stream();
  const int64_t m = 5, n = 7, k = 33;
  for (const DType dtype : {DType::f32, DType::f64})
    for (const Transpose ta : {Transpose::no, Transpose::yes})
      for (const Transpose tb : {Transpose::no, Transpose::yes})
        for (const float beta : {0.f, 1.f}) {
          CAPTURE(name(dtype), static_cast<int>(ta), static_cast<int>(tb), beta);
          const std::vector<double> a = test::wave(m * k, 1), b = test::wave(k * n, 2), c = test::wave(m * n, 3);
          const Arena::Scope scope(engine.arena());
          dispatch_full(dtype, [&](auto tag) {
            using T = decltype(tag);
            const auto up = [&](const std::vector<double>& v, const Shape& shape) {
              const Tensor t = engine.arena().tensor(shape, dtype);
              const std::vector<T> values(v.begin(), v.end());
              copy(stream, t.data, device, values.data(), Device::cpu, t.bytes());
              synchronize(stream);
              return t;
            };
            const Tensor ma = up(a, ta == Transpose::no ? Shape{m, k} : Shape{k, m});
            const Tensor mb = up(b, tb == Transpose::no ? Shape{k, n} : Shape{n, k}), mc = up(c, {m, n});
            gemm(stream, ta, tb, ma, mb, {.beta = beta}, mc);
            std::vector<T> got(m * n);
            copy(stream, got.data(), Device::cpu, mc.data, device, mc.bytes());
            synchronize(stream);
            for (int64_t i = 0; i < m; ++i)
              for (int64_t j = 0; j < n; ++j) {
                double want = beta * c[i * n + j];
                for (int64_t l = 0; l < k; ++l)
                  want +=
                      a[ta == Transpose::no ? i * k + l : l * m + i] * b[tb == Transpose::no ? l * n + j : j * k + l];
                REQUIRE(got[i * n + j] == Approx(want).epsilon(1e-5).margin(1e-5));
              }
          });
        }
}

namespace {

enum class Order : uint8_t { given, reversed };

/// x (m, k) times w (n, k) transposed, plus a bias, by the engine.
std::vector<float> linear_product(Engine& engine, int64_t m, int64_t n, int64_t k, Order order = Order::given) {
  const Stream stream = engine.stream();
  const Arena::Scope scope(engine.arena());
  const auto up = [&](const std::vector<double>& v, const Shape& shape) {
    const Tensor t = engine.arena().tensor(shape, DType::f32);
    const std::vector<float> values(v.begin(), v.end());
    copy(stream, t.data, engine.device(), values.data(), Device::cpu, t.bytes());
    synchronize(stream);
    return t;
  };
  std::vector<double> x = test::wave(m * k, 1);
  if (order == Order::reversed)  // the samples in reverse order
    for (int64_t i = 0; i < m / 2; ++i)
      std::swap_ranges(x.begin() + i * k, x.begin() + (i + 1) * k, x.begin() + (m - 1 - i) * k);
  const Tensor tx = up(x, {m, k}), w = up(test::wave(n * k, 2), {n, k}), bias = up(test::wave(n, 3), {n});
  const Tensor y = engine.arena().tensor({m, n}, DType::f32);
  gemm(stream, Transpose::no, Transpose::yes, tx, w, {.bias = bias}, y);
  std::vector<float> got(m * n);
  copy(stream, got.data(), Device::cpu, y.data, engine.device(), y.bytes());
  synchronize(stream);
  return got;
}

}  // namespace

TEMPER_DEVICE_TEST("a bias in a product's epilogue agrees with one added afterwards", "[gemm]") {
  Engine fused({.device = device, .arena_mb = 16});
  Engine separate({.device = device, .arena_mb = 16, .without = {Optimisation::product_bias}});
  for (const int64_t k : {33, 512, 640}) {
    CAPTURE(k);
    const int64_t m = 37, n = 10;
    const auto got = linear_product(fused, m, n, k), want = linear_product(separate, m, n, k);
    const std::vector<double> x = test::wave(m * k, 1), w = test::wave(n * k, 2), bias = test::wave(n, 3);
    for (int64_t i = 0; i < m; ++i)
      for (int64_t j = 0; j < n; ++j) {
        double exact = bias[j];
        for (int64_t l = 0; l < k; ++l) exact += x[i * k + l] * w[j * k + l];
        REQUIRE(want[i * n + j] == Approx(exact).epsilon(1e-5).margin(1e-4));
        // Two algorithms of a library, which sum in different orders.
        REQUIRE(got[i * n + j] == Approx(want[i * n + j]).epsilon(1e-5).margin(1e-4));
      }
  }
}

TEMPER_DEVICE_TEST("a row of a product does not depend on its place among the rows", "[gemm]") {
  Engine engine({.device = device, .arena_mb = 16});
  const int64_t m = 131, n = 10, k = 512;
  const auto got = linear_product(engine, m, n, k), reversed = linear_product(engine, m, n, k, Order::reversed);
  for (int64_t i = 0; i < m; ++i) REQUIRE(std::equal(&got[i * n], &got[i * n] + n, &reversed[(m - 1 - i) * n]));
}

TEST_CASE("a bias of another length than a product's rows is refused", "[gemm]") {
  Engine engine({.arena_mb = 1});
  const auto tensor = [&](Shape shape) { return engine.arena().tensor(shape, DType::f32); };
  CHECK_THROWS_WITH(gemm(engine.stream(), Transpose::no, Transpose::yes, tensor({4, 3}), tensor({5, 3}),
                         {.bias = tensor({4})}, tensor({4, 5})),
                    "gemm: c is (4, 5) f32 so its bias must be (5) f32, got (4) f32");
}
