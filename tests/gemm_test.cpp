#include "core/gemm.h"
#include "core/engine.h"
#include "kernels/runtime/memory.h"
#include "tests/devices.h"
#include "tests/gradcheck.h"

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
            gemm(stream, ta, tb, ma, mb, beta, mc);
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
