#include "core/convolution/conv_epilogue.h"
#include "tests/fixtures/catch.h"
#include "tests/fixtures/gradcheck.h"

using namespace temper;

namespace {

constexpr ConvShape kShape{.n = 2, .h = 5, .w = 4, .c = 3, .k = 6, .r = 3, .s = 3, .stride = 2, .pad = 1};

struct Numbers {
  std::vector<float> f;
  std::vector<float16> h;
  Shape shape;
  Numbers(Shape shape, int salt) : shape(shape) {
    for (const double v : test::wave(shape.numel(), salt)) f.push_back(static_cast<float>(v));
    round();
  }
  /// Makes both hold the same numbers of f16.
  void round() {
    h.clear();
    for (float& v : f) {
      h.emplace_back(v);
      v = h.back();
    }
  }
  Tensor full() { return {f.data(), shape, DType::f32, Device::cpu}; }
  Tensor half() { return {h.data(), shape, DType::f16, Device::cpu}; }
  bool operator==(const Numbers& other) const {
    for (size_t i = 0; i < h.size(); ++i)
      if (h[i].bits != other.h[i].bits) return false;
    return true;
  }
};

}  // namespace

TEST_CASE("f16 convolutions on the CPU are those of f32, rounded", "[conv]") {
  const auto f32 = make_reference_conv();
  const auto f16 = make_f16_conv(make_reference_conv());
  CHECK(f16->supports(DType::f16));
  const ConvShape& g = kShape;
  Numbers x({g.n, g.h, g.w, g.c}, 1), w({g.k, g.r, g.s, g.c}, 2), bias({g.k}, 3), residual({g.n, g.p(), g.q(), g.k}, 4);
  Numbers y = residual, dx = x, dy(residual.shape, 5);
  const ConvFilter filter{.w = w.full(), .bias = bias.full(), .version = 1};

  Numbers want = y;
  convolve(*f32, {},
           {.shape = g, .x = x.full(), .filter = filter, .y = want.full(), .residual = residual.full(), .relu = true});
  want.round();
  convolve(*f16, {},
           {.shape = g, .x = x.half(), .filter = filter, .y = y.half(), .residual = residual.half(), .relu = true});
  CHECK(y == want);

  for (const float beta : {0.f, 1.f}) {
    Numbers wanted = dx, got = dx, product = dx;
    convolve_backward_data(*f32, {}, {.shape = g, .dy = dy.full(), .filter = filter, .dx = product.full()});
    for (size_t i = 0; i < product.f.size(); ++i) wanted.f[i] = beta * dx.f[i] + product.f[i];
    wanted.round();
    convolve_backward_data(*f16, {}, {.shape = g, .dy = dy.half(), .filter = filter, .dx = got.half(), .beta = beta});
    CHECK(got == wanted);
  }

  std::vector<float> dw(w.f.size(), 1), dw_want(w.f.size(), 1);
  const auto gradient = [&](std::vector<float>& to) { return Tensor{to.data(), w.shape, DType::f32, Device::cpu}; };
  f32->backward_filter({}, {.shape = g, .x = x.full(), .dy = dy.full(), .dw = gradient(dw_want), .beta = 1});
  f16->backward_filter({}, {.shape = g, .x = x.half(), .dy = dy.half(), .dw = gradient(dw), .beta = 1});
  CHECK(dw == dw_want);
}

TEST_CASE("f16 convolutions on the CPU round filters, and keep them for a version", "[conv]") {
  const auto f16 = make_f16_conv(make_reference_conv());
  const ConvShape& g = kShape;
  Numbers x({g.n, g.h, g.w, g.c}, 1), w({g.k, g.r, g.s, g.c}, 2);
  const auto forward = [&](ConvFilter filter) {
    Numbers y({g.n, g.p(), g.q(), g.k}, 3);
    convolve(*f16, {}, {.shape = g, .x = x.half(), .filter = filter, .y = y.half()});
    return y;
  };
  std::vector<float> precise = w.f;
  for (float& v : precise) v *= 1.0001f;  // rounds back to w
  const Tensor filter{precise.data(), w.shape, DType::f32, Device::cpu};
  const Numbers rounded = forward({.w = w.full()});
  CHECK(forward({.w = filter, .version = 7}) == rounded);
  const int64_t prepared = f16->stats().filters_prepared;
  CHECK(forward({.w = filter, .version = 7}) == rounded);
  CHECK(f16->stats().filters_prepared == prepared);
  precise[0] += 1;
  CHECK(forward({.w = filter, .version = 7}) == rounded);
  CHECK_FALSE(forward({.w = filter, .version = 8}) == rounded);
  const auto half = [&](DType) { return w.half(); };
  CHECK(forward({.w = filter, .version = 9, .half = half}) == rounded);  // the copy given is what counts
}
