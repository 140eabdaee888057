#include <cmath>

#include "core/convolution/conv_epilogue.h"
#include "tests/fixtures/conv_fixture.h"
#include "tests/fixtures/devices.h"

using namespace temper;
using test::Array;
using test::Compute;
using test::ConvWorld;
using test::distance;
using test::Staged;
using test::types;

namespace {

const std::vector<ConvShape>& shapes() {
  static const std::vector<ConvShape> all = {
      {.n = 2, .h = 8, .w = 8, .c = 3, .k = 16, .r = 3, .s = 3, .stride = 1, .pad = 1},
      {.n = 3, .h = 35, .w = 33, .c = 3, .k = 48, .r = 3, .s = 3, .stride = 1, .pad = 1},
      {.n = 2, .h = 17, .w = 11, .c = 2, .k = 16, .r = 3, .s = 3, .stride = 1, .pad = 1},
      {.n = 2, .h = 1, .w = 5, .c = 1, .k = 32, .r = 3, .s = 3, .stride = 1, .pad = 1},
      {.n = 3, .h = 7, .w = 9, .c = 1, .k = 5, .r = 5, .s = 5, .stride = 1, .pad = 2},
      {.n = 2, .h = 8, .w = 8, .c = 16, .k = 16, .r = 3, .s = 3, .stride = 1, .pad = 1},
      {.n = 2, .h = 8, .w = 8, .c = 64, .k = 64, .r = 3, .s = 3, .stride = 1, .pad = 1},
      {.n = 2, .h = 4, .w = 4, .c = 64, .k = 32, .r = 3, .s = 3, .stride = 1, .pad = 1},
      {.n = 2, .h = 8, .w = 8, .c = 64, .k = 128, .r = 3, .s = 3, .stride = 2, .pad = 1},
      {.n = 3, .h = 15, .w = 8, .c = 32, .k = 48, .r = 3, .s = 3, .stride = 2, .pad = 1},
      {.n = 2, .h = 7, .w = 14, .c = 16, .k = 80, .r = 3, .s = 3, .stride = 2, .pad = 1},
      {.n = 2, .h = 8, .w = 8, .c = 64, .k = 128, .r = 1, .s = 1, .stride = 2, .pad = 0},
      {.n = 1, .h = 8, .w = 6, .c = 3, .k = 8, .r = 4, .s = 4, .stride = 2, .pad = 1},
      {.n = 2, .h = 9, .w = 9, .c = 16, .k = 7, .r = 5, .s = 5, .stride = 1, .pad = 0},
      {.n = 2, .h = 5, .w = 5, .c = 10, .k = 12, .r = 1, .s = 1, .stride = 1, .pad = 0},
      {.n = 1, .h = 6, .w = 6, .c = 4, .k = 6, .r = 2, .s = 2, .stride = 1, .pad = 2},
      {.n = 2, .h = 6, .w = 7, .c = 3, .k = 16, .r = 3, .s = 2, .stride = 1, .pad = 1},
      {.n = 2, .h = 7, .w = 9, .c = 32, .k = 48, .r = 3, .s = 3, .stride = 1, .pad = 1},
      {.n = 3, .h = 6, .w = 10, .c = 16, .k = 20, .r = 3, .s = 3, .stride = 1, .pad = 0},
      {.n = 2, .h = 5, .w = 5, .c = 48, .k = 16, .r = 3, .s = 3, .stride = 1, .pad = 2}};
  return all;
}

/// cuDNN compiles masked data gradients and 16-bit filter gradients when they are first asked for, which takes about a
/// second each: these shapes have to stand for the others there. Stem, both strides, 1x1, odd sizes and channels.
bool compiled_on_cuda(const ConvShape& g) {
  for (const int i : {0, 4, 5, 8, 11}) {
    if (g == shapes()[i]) return true;
  }
  return false;
}

}  // namespace

TEMPER_DEVICE_TEST("convolutions agree with the reference", "[conv]") {
  const auto plain = make_reference_conv();
  for (const Compute& compute : types(device)) {
    Staged fast(device, compute);
    for (const ConvShape& g : shapes()) {
      CAPTURE(compute.name, g.n, g.h, g.w, g.c, g.k, g.r, g.s, g.stride, g.pad);
      ConvWorld a(g, compute.stored);
      ConvWorld b(g, DType::f32);  // the same values, rounded like a's but held in f32
      for (auto [from, to] : {std::pair{&a.x, &b.x}, {&a.dy, &b.dy}, {&a.y, &b.y}, {&a.dx, &b.dx}, {&a.mask, &b.mask}})
        *to = from->full();
      const auto both = [&](auto f) {
        f(fast, a);
        f(*plain, b);
      };
      both([&](ConvBackend& conv, ConvWorld& v) { convolve(conv, {}, v.forward(v.filter())); });
      CHECK(distance(a.y, b.y) < compute.tolerance);
      both([&](ConvBackend& conv, ConvWorld& v) { convolve(conv, {}, v.forward(v.folded(), {.relu = true})); });
      CHECK(distance(a.y, b.y) < compute.tolerance);
      both([&](ConvBackend& conv, ConvWorld& v) {
        convolve(conv, {}, v.forward(v.folded(), {.residual = v.dy.t, .relu = true}));
      });
      CHECK(distance(a.y, b.y) < compute.tolerance);
      for (const float beta : {0.f, 1.f, 1.f}) {
        both([&](ConvBackend& conv, ConvWorld& v) {
          convolve_backward_data(conv, {}, v.backward_data(v.folded(), beta));
        });
        CHECK(distance(a.dx, b.dx) < compute.tolerance);
      }
      if (device == Device::cuda && !compiled_on_cuda(g)) continue;
      for (const float beta : {0.f, 1.f, 1.f}) {
        both([&](ConvBackend& conv, ConvWorld& v) { conv.backward_filter({}, v.backward_filter(beta)); });
        CHECK(distance(a.dw, b.dw) < compute.filter_tolerance);
      }
      const auto check_masked = [&] {
        CHECK(distance(a.dx, b.dx) < compute.tolerance);
        for (int64_t i = 0; i < a.dx.t.numel(); ++i)
          if (!(a.mask.at(i) > 0)) REQUIRE(a.dx.at(i) == 0);
      };
      for (const float beta : {0.f, 1.f}) {
        both([&](ConvBackend& conv, ConvWorld& v) {
          convolve_backward_data(conv, {}, v.backward_data(v.folded(), beta, v.mask.t));
        });
        check_masked();
      }
      Array other = a.dx;
      other.t.data = other.bytes.data();
      bool taken = false;
      ConvBackwardData request = a.backward_data(a.folded(), 1, a.mask.t);
      request.elsewhere = [&] { return taken = true, other.t; };
      convolve_backward_data(fast, {}, request);
      convolve_backward_data(*plain, {}, b.backward_data(b.folded(), 1, b.mask.t));
      if (taken) std::swap(a.dx, other);
      check_masked();
    }
  }
}

TEST_CASE("a data gradient is the same added in place and apart", "[conv]") {
  const auto plain = make_reference_conv();
  ConvWorld a(shapes()[3], DType::f32), b(shapes()[3], DType::f32), elsewhere(shapes()[3], DType::f32);
  std::fill_n(b.dx.t.as<float>(), b.dx.t.numel(), NAN);
  convolve_backward_data(*plain, {}, a.backward_data(a.folded(), 1, a.x.t));
  ConvBackwardData request = elsewhere.backward_data(b.folded(), 1, b.x.t);
  request.elsewhere = [&] { return b.dx.t; };
  convolve_backward_data(*plain, {}, request);
  CHECK(distance(a.dx, b.dx) == 0);
}

TEST_CASE("an epilogue on its own is what a convolution fuses", "[conv]") {
  const auto plain = make_reference_conv();
  for (const bool relu : {false, true}) {
    ConvWorld fused(shapes()[3], DType::f32), separate(shapes()[3], DType::f32);
    convolve(*plain, {}, fused.forward(fused.filter(), {.residual = fused.dy.t, .relu = relu}));
    const ConvFilter filter{.w = separate.w.t};
    convolve(*plain, {}, separate.forward(filter));
    finish({}, separate.forward(filter, {.residual = separate.dy.t, .relu = relu}), {.bias = separate.bias.t});
    CHECK(distance(fused.y, separate.y) < 1e-6);
  }
}

TEMPER_DEVICE_TEST("a prepared filter follows its version and its fold", "[conv]") {
  const auto plain = make_reference_conv();
  for (const Compute& compute : types(device)) {
    CAPTURE(compute.name);
    Staged fast(device, compute);
    const ConvShape g = shapes()[5];
    ConvWorld a(g, compute.stored), b(g, DType::f32);
    b.x = a.x.full();
    const auto same = [&](const ConvFilter& fa, const ConvFilter& fb) {
      convolve(fast, {}, a.forward(fa));
      convolve(*plain, {}, b.forward(fb));
      CHECK(distance(a.y, b.y) < compute.tolerance);
    };
    same(a.filter(1), b.filter());
    same(a.folded(1), b.folded());
    same(a.filter(1), b.filter());
    for (ConvWorld* v : {&a, &b})
      for (int64_t i = 0; i < v->w.t.numel(); ++i) v->w.t.as<float>()[i] *= -0.5f;
    same(a.filter(2), b.filter());
    same(a.filter(0), b.filter());
    for (ConvWorld* v : {&a, &b}) v->mean.t.as<float>()[0] = 4;
    same(a.folded(3), b.folded());
  }
}

TEMPER_DEVICE_TEST("repeating a pass builds, prepares and allocates nothing", "[conv]") {
  for (const Compute& compute : types(device)) {
    CAPTURE(compute.name);
    Staged staged(device, compute, 1);  // with more, a thread may meet a part that was another's so far
    struct Layer {
      ConvShape g;
      Tensor x, y, dy, dx, w;
      BatchNormFold fold;
      ConvFilter filter() const { return {.w = w, .fold = &fold, .version = 7}; }
    };
    std::vector<Layer> layers;
    for (const ConvShape& g : shapes()) {
      const ConvWorld v(g, compute.stored);
      layers.push_back({g, staged.up(v.x.t), staged.up(v.y.t), staged.up(v.dy.t), staged.up(v.dx.t), staged.up(v.w.t),
                        staged.up(&v.fold)});
      synchronize(staged.engine().stream());
    }
    ConvBackend& conv = staged.engine().conv();
    const Stream stream = staged.engine().stream();
    const auto iteration = [&] {
      for (const Layer& l : layers)
        convolve(conv, stream, {.shape = l.g, .x = l.x, .filter = l.filter(), .y = l.y, .relu = true});
      for (const Layer& l : layers)
        convolve_backward_data(conv, stream, {.shape = l.g, .dy = l.dy, .filter = l.filter(), .dx = l.dx, .beta = 1});
    };
    iteration();
    const ConvStats first = conv.stats();
    for (int i = 0; i < 10; ++i) iteration();
    CHECK(conv.stats() == first);
  }
}

TEST_CASE("forward and data gradient do not depend on batch size or threads", "[conv]") {
  const auto run = [](ConvWorld& v, int64_t n, int threads) {
    const auto conv = make_cpu_conv();
    Team team(threads);
    const Stream stream{.team = &team};
    for (int64_t i = 0; i < v.g.n; i += n) {
      ConvShape g = v.g;
      g.n = std::min(n, v.g.n - i);
      const auto part = [&](const Array& a) { return a.t.rows(i, g.n); };
      convolve(
          *conv, stream,
          {.shape = g, .x = part(v.x), .filter = v.folded(1), .y = part(v.y), .residual = part(v.dy), .relu = true});
      for (const auto& [dy, beta] : {std::pair{&v.dy, 0.f}, std::pair{&v.y, 1.f}})
        convolve_backward_data(*conv, stream,
                               {.shape = g, .dy = part(*dy), .filter = v.folded(1), .dx = part(v.dx), .beta = beta});
    }
    return std::pair(v.y.bytes, v.dx.bytes);
  };
  for (const Compute& compute : types(Device::cpu))
    for (ConvShape g : shapes()) {
      CAPTURE(compute.name, g.h, g.w, g.c, g.k, g.r, g.s, g.stride, g.pad);
      g.n = 5;
      ConvWorld v(g, compute.stored);
      const auto whole = run(v, 5, 2);
      CHECK(run(v, 5, 2) == whole);
      CHECK(run(v, 2, 3) == whole);
      CHECK(run(v, 5, 1) == whole);
      CHECK(run(v, 1, 1) == whole);
    }
}

TEST_CASE("a filter gradient does not depend on threads", "[conv]") {
  const auto run = [](ConvWorld& v, const Optimisations& without, int threads) {
    const auto conv = make_cpu_conv(without);
    Team team(threads);
    const Stream stream{.team = &team};
    conv->backward_filter(stream, v.backward_filter(0));
    conv->backward_filter(stream, v.backward_filter(1));
    return v.dw.bytes;
  };
  std::vector<ConvShape> all = shapes();
  // So large that it is worth cutting, into parts of which the last is smaller.
  all.push_back({.n = 11, .h = 24, .w = 24, .c = 32, .k = 64, .r = 1, .s = 1, .stride = 2});
  all.push_back({.n = 7, .h = 16, .w = 16, .c = 16, .k = 24, .r = 5, .s = 5, .pad = 2});
  for (const Compute& compute : types(Device::cpu))
    for (const ConvShape& g : all)
      for (const Optimisations& without : {Optimisations(), that_round()}) {
        CAPTURE(compute.name, g.n, g.h, g.w, g.c, g.k, g.r, g.s, g.stride, g.pad);
        ConvWorld v(g, compute.stored);
        const auto one = run(v, without, 1);
        CHECK(run(v, without, 2) == one);
        CHECK(run(v, without, 3) == one);
      }
}

TEST_CASE("a processor without bf16 convolutions is named", "[conv][errors]") {
  const auto conv = make_cpu_conv();
  if (conv->supports(DType::bf16) || std::string(conv->name()).find("onednn") == std::string::npos) return;
  ConvWorld v(shapes()[3], DType::bf16);
  CHECK_THROWS_WITH(convolve(*conv, {}, v.forward(v.filter())),
                    ContainsSubstring(" has no bf16 convolutions for this processor; set precision.compute to f32"));
}

TEMPER_DEVICE_TEST("a gradient is repeatable, by another engine too", "[conv]") {
  for (const Compute& compute : types(device)) {
    CAPTURE(compute.name);
    ConvWorld v({.n = 8, .h = 8, .w = 8, .c = 64, .k = 64, .r = 3, .s = 3, .stride = 1, .pad = 1}, compute.stored);
    const auto run = [&] {
      Staged conv(device, compute);
      conv.backward_filter({}, v.backward_filter(0));
      convolve_backward_data(conv, {}, v.backward_data(v.filter(), 0));
      return std::pair{v.dw.bytes, v.dx.bytes};
    };
    const auto first = run();
    for (int i = 0; i < 3; ++i) CHECK(run() == first);
  }
}

TEMPER_DEVICE_TEST("filter gradients of many images and of many filters agree with the reference", "[conv]") {
  Staged fast(device);
  for (const ConvShape& g : {ConvShape{.n = 32, .h = 32, .w = 32, .c = 16, .k = 16, .r = 3, .s = 3, .pad = 1},
                             ConvShape{.n = 2, .h = 4, .w = 4, .c = 256, .k = 256, .r = 3, .s = 3, .pad = 1}}) {
    ConvWorld a(g, DType::f32), b(g, DType::f32);
    fast.backward_filter({}, a.backward_filter(1));
    make_reference_conv()->backward_filter({}, b.backward_filter(1));
    CHECK(distance(a.dw, b.dw) < 2e-5);
  }
}
