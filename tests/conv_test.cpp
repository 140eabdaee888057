#include <omp.h>

#include <cmath>
#include <cstring>

#include "core/conv.h"
#include "core/conv_epilogue.h"
#include "core/engine.h"
#include "tests/devices.h"
#include "tests/gradcheck.h"

using namespace temper;

namespace {

/// A tensor with memory of its own, filled with a wave.
struct Array {
  std::vector<char> bytes;
  Tensor t;

  Array(Shape shape, DType dtype, int salt, double scale = 1) : bytes(shape.numel() * size_of(dtype)) {
    t = {bytes.data(), shape, dtype, Device::cpu};
    const std::vector<double> v = test::wave(shape.numel(), salt);
    for (int64_t i = 0; i < shape.numel(); ++i) {
      if (dtype == DType::bf16)
        t.as<bfloat16>()[i] = bfloat16(static_cast<float>(v[i] * scale));
      else
        t.as<float>()[i] = static_cast<float>(v[i] * scale);
    }
  }
  double at(int64_t i) const { return t.dtype == DType::bf16 ? double(float(t.as<bfloat16>()[i])) : t.as<float>()[i]; }
  /// The same numbers in f32.
  Array full() const {
    Array a(t.shape, DType::f32, 0);
    for (int64_t i = 0; i < t.numel(); ++i) a.t.as<float>()[i] = static_cast<float>(at(i));
    return a;
  }
};

/// Largest difference relative to the largest value.
double distance(const Array& a, const Array& b) {
  double worst = 0, largest = 1e-30;
  for (int64_t i = 0; i < a.t.numel(); ++i) {
    worst = std::max(worst, std::abs(a.at(i) - b.at(i)));
    largest = std::max(largest, std::abs(b.at(i)));
  }
  return worst / largest;
}

struct World {
  ConvShape g;
  DType dtype;
  Array x, w, bias, y, dy, dx, dw, gamma, beta, mean, var;
  BatchNormFold fold;

  World(ConvShape g, DType dtype)
      : g(g),
        dtype(dtype),
        x({g.n, g.h, g.w, g.c}, dtype, 1),
        w({g.k, g.r, g.s, g.c}, DType::f32, 2, 0.5),
        bias({g.k}, DType::f32, 3),
        y({g.n, g.p(), g.q(), g.k}, dtype, 4),
        dy(y.t.shape, dtype, 5),
        dx(x.t.shape, dtype, 6),
        dw(w.t.shape, DType::f32, 7),
        gamma({g.k}, DType::f32, 8),
        beta({g.k}, DType::f32, 9),
        mean({g.k}, DType::f32, 10),
        var({g.k}, DType::f32, 11),
        fold{.gamma = gamma.t, .beta = beta.t, .mean = mean.t, .variance = var.t} {
    for (int64_t k = 0; k < g.k; ++k) var.t.as<float>()[k] = 1.5f + var.t.as<float>()[k];
  }
  ConvFilter filter(uint64_t stamp = 0) const { return {.w = w.t, .bias = bias.t, .stamp = stamp}; }
  ConvFilter folded(uint64_t stamp = 0) const { return {.w = w.t, .fold = &fold, .stamp = stamp}; }
};

/// What the CPU's convolutions compute in on this machine.
std::vector<DType> types() {
  if (make_conv_backend(Device::cpu)->supports(DType::bf16)) return {DType::f32, DType::bf16};
  return {DType::f32};
}

/// A device's convolutions on tensors in host memory.
class Staged : public ConvBackend {
 public:
  explicit Staged(Device device) : engine_({.device = device, .arena_mb = 64}) {}
  const char* name() const override { return "staged"; }

  void forward(Stream, const ConvShape& g, const Tensor& x, const ConvFilter& f, const ConvEpilogue& e,
               const Tensor& y) override {
    const Arena::Scope scope(engine_.arena());
    const Tensor out = up(y);
    const BatchNormFold fold = up(f.fold);
    engine_.conv().forward(stream(), g, up(x), up(f, fold), {.residual = up(e.residual), .relu = e.relu}, out);
    down(y, out);
  }
  void backward_data(Stream, const ConvShape& g, const Tensor& dy, const ConvFilter& f, float beta,
                     const Tensor& dx) override {
    const Arena::Scope scope(engine_.arena());
    const Tensor out = up(dx);
    const BatchNormFold fold = up(f.fold);
    engine_.conv().backward_data(stream(), g, up(dy), up(f, fold), beta, out);
    down(dx, out);
  }
  bool adds_apart() const override { return engine_.conv().adds_apart(); }
  void backward_filter(Stream, const ConvShape& g, const Tensor& x, const Tensor& dy, float beta,
                       const Tensor& dw) override {
    const Arena::Scope scope(engine_.arena());
    const Tensor out = up(dw);
    engine_.conv().backward_filter(stream(), g, up(x), up(dy), beta, out);
    down(dw, out);
  }

 protected:
  bool backward_data_masked(Stream, const ConvShape& g, const Tensor& dy, const ConvFilter& f,
                            const ConvDataEpilogue& e, const Tensor& dx) override {
    const Arena::Scope scope(engine_.arena());
    const Tensor out = up(dx);
    const BatchNormFold fold = up(f.fold);
    engine_.conv().backward_data_relu(stream(), g, up(dy), up(f, fold),
                                      {.beta = e.beta, .mask = up(e.mask), .addend = up(e.addend)}, out);
    down(dx, out);
    return true;
  }

 private:
  Stream stream() const { return engine_.stream(); }
  Tensor up(const Tensor& t) {
    if (!t) return {};
    const Tensor there = engine_.arena().tensor(t.shape, t.dtype);
    copy(stream(), there.data, there.device, t.data, t.device, t.bytes());
    return there;
  }
  BatchNormFold up(const BatchNormFold* f) {
    if (!f) return {};
    return {
        .gamma = up(f->gamma), .beta = up(f->beta), .mean = up(f->mean), .variance = up(f->variance), .eps = f->eps};
  }
  ConvFilter up(const ConvFilter& f, const BatchNormFold& fold) {
    return {.w = up(f.w), .bias = up(f.bias), .fold = f.fold ? &fold : nullptr, .stamp = f.stamp};
  }
  void down(const Tensor& t, const Tensor& there) {
    copy(stream(), t.data, t.device, there.data, there.device, t.bytes());
    synchronize(stream());
  }

  mutable Engine engine_;
};

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

}  // namespace

TEMPER_DEVICE_TEST("convolutions agree with the reference", "[conv]") {
  Staged staged(device);
  ConvBackend* const fast = &staged;
  const auto plain = make_reference_conv();
  for (const DType dtype : types())
    for (const ConvShape& g : shapes()) {
      CAPTURE(dtype, g.n, g.h, g.w, g.c, g.k, g.r, g.s, g.stride, g.pad);
      const double tolerance = dtype == DType::bf16 ? 2e-2 : 2e-5;
      World a(g, dtype);
      World b(g, DType::f32);  // the same values, rounded like a's but held in f32
      for (auto [from, to] : {std::pair{&a.x, &b.x}, {&a.dy, &b.dy}, {&a.y, &b.y}, {&a.dx, &b.dx}}) *to = from->full();
      const auto both = [&](auto f) {
        f(*fast, a);
        f(*plain, b);
      };
      both([&](ConvBackend& conv, World& v) { conv.forward({}, g, v.x.t, v.filter(), {}, v.y.t); });
      CHECK(distance(a.y, b.y) < tolerance);
      both([&](ConvBackend& conv, World& v) { conv.forward({}, g, v.x.t, v.folded(), {.relu = true}, v.y.t); });
      CHECK(distance(a.y, b.y) < tolerance);
      both([&](ConvBackend& conv, World& v) {
        conv.forward({}, g, v.x.t, v.folded(), {.residual = v.dy.t, .relu = true}, v.y.t);
      });
      CHECK(distance(a.y, b.y) < tolerance);
      for (const float beta : {0.f, 1.f, 1.f}) {
        both([&](ConvBackend& conv, World& v) { conv.backward_data({}, g, v.dy.t, v.folded(), beta, v.dx.t); });
        CHECK(distance(a.dx, b.dx) < tolerance);
        both([&](ConvBackend& conv, World& v) { conv.backward_filter({}, g, v.x.t, v.dy.t, beta, v.dw.t); });
        CHECK(distance(a.dw, b.dw) < tolerance);
      }
      for (const float beta : {0.f, 1.f}) {
        both([&](ConvBackend& conv, World& v) {
          conv.backward_data_relu({}, g, v.dy.t, v.folded(), {.beta = beta, .mask = v.x.t}, v.dx.t);
        });
        CHECK(distance(a.dx, b.dx) < tolerance);
        for (int64_t i = 0; i < a.dx.t.numel(); ++i)
          if (!(a.x.at(i) > 0)) REQUIRE(a.dx.at(i) == 0);
      }
      if (!fast->adds_apart()) continue;
      World c(g, dtype), d(g, DType::f32);
      d.dx = c.dx.full();
      fast->backward_data_relu({}, g, a.dy.t, a.folded(), {.mask = a.x.t, .addend = c.dx.t}, a.dx.t);
      plain->backward_data_relu({}, g, b.dy.t, b.folded(), {.mask = b.x.t, .addend = d.dx.t}, b.dx.t);
      CHECK(distance(a.dx, b.dx) < tolerance);
    }
}

TEST_CASE("a data gradient is the same added in place and apart", "[conv]") {
  const auto plain = make_reference_conv();
  World a(shapes()[3], DType::f32), b(shapes()[3], DType::f32), elsewhere(shapes()[3], DType::f32);
  std::fill_n(b.dx.t.as<float>(), b.dx.t.numel(), NAN);
  plain->backward_data_relu({}, a.g, a.dy.t, a.folded(), {.beta = 1, .mask = a.x.t}, a.dx.t);
  plain->backward_data_relu({}, b.g, b.dy.t, b.folded(), {.mask = b.x.t, .addend = elsewhere.dx.t}, b.dx.t);
  CHECK(distance(a.dx, b.dx) == 0);
}

TEST_CASE("an epilogue on its own is what a convolution fuses", "[conv]") {
  const auto plain = make_reference_conv();
  for (const bool relu : {false, true}) {
    World fused(shapes()[3], DType::f32), apart(shapes()[3], DType::f32);
    const ConvShape& g = fused.g;
    plain->forward({}, g, fused.x.t, fused.filter(), {.residual = fused.dy.t, .relu = relu}, fused.y.t);
    plain->forward({}, g, apart.x.t, {.w = apart.w.t}, {}, apart.y.t);
    apply_epilogue({}, g, apart.y.t, apart.bias.t, {.residual = apart.dy.t, .relu = relu});
    CHECK(distance(fused.y, apart.y) < 1e-6);
  }
}

TEST_CASE("a prepared filter follows its stamp and its fold", "[conv]") {
  const auto fast = make_conv_backend(Device::cpu), plain = make_reference_conv();
  World a(shapes()[3], DType::f32), b(shapes()[3], DType::f32);
  const auto same = [&](const ConvFilter& fa, const ConvFilter& fb) {
    fast->forward({}, a.g, a.x.t, fa, {}, a.y.t);
    plain->forward({}, b.g, b.x.t, fb, {}, b.y.t);
    CHECK(distance(a.y, b.y) < 1e-4);
  };
  same(a.filter(1), b.filter());
  same(a.folded(1), b.folded());
  same(a.filter(1), b.filter());
  for (World* v : {&a, &b})
    for (int64_t i = 0; i < v->w.t.numel(); ++i) v->w.t.as<float>()[i] *= -0.5f;
  same(a.filter(2), b.filter());
  same(a.filter(0), b.filter());
  for (World* v : {&a, &b}) v->mean.t.as<float>()[0] = 4;
  same(a.folded(3), b.folded());
}

TEST_CASE("repeating a pass builds, prepares and allocates nothing", "[conv]") {
  const auto conv = make_conv_backend(Device::cpu);
  std::vector<World> layers;
  for (const DType dtype : types())
    for (const ConvShape& g : shapes()) layers.emplace_back(g, dtype);
  for (World& v : layers) v.fold = {.gamma = v.gamma.t, .beta = v.beta.t, .mean = v.mean.t, .variance = v.var.t};
  const auto iteration = [&] {
    for (World& v : layers) conv->forward({}, v.g, v.x.t, v.folded(7), {.relu = true}, v.y.t);
    for (World& v : layers) conv->backward_data({}, v.g, v.dy.t, v.folded(7), 1.f, v.dx.t);
  };
  iteration();
  const ConvStats first = conv->stats();
  for (int i = 0; i < 10; ++i) iteration();
  CHECK(conv->stats() == first);
}

TEST_CASE("forward and data gradient do not depend on batch size or threads", "[conv]") {
  const int threads = omp_get_max_threads();
  const auto run = [](World& v, int64_t n) {
    const auto conv = make_conv_backend(Device::cpu);
    for (int64_t i = 0; i < v.g.n; i += n) {
      ConvShape g = v.g;
      g.n = std::min(n, v.g.n - i);
      const auto part = [&](const Array& a) { return a.t.rows(i, g.n); };
      conv->forward({}, g, part(v.x), v.folded(1), {.residual = part(v.dy), .relu = true}, part(v.y));
      conv->backward_data({}, g, part(v.dy), v.folded(1), 0.f, part(v.dx));
      conv->backward_data({}, g, part(v.y), v.folded(1), 1.f, part(v.dx));
    }
    return std::pair(v.y.bytes, v.dx.bytes);
  };
  for (const DType dtype : types())
    for (ConvShape g : shapes()) {
      CAPTURE(dtype, g.h, g.w, g.c, g.k, g.r, g.s, g.stride, g.pad);
      g.n = 5;
      World v(g, dtype);
      omp_set_num_threads(2);
      const auto whole = run(v, 5);
      CHECK(run(v, 5) == whole);
      CHECK(run(v, 2) == whole);
      omp_set_num_threads(1);
      CHECK(run(v, 5) == whole);
      CHECK(run(v, 1) == whole);
    }
  omp_set_num_threads(threads);
}

TEST_CASE("a processor without bf16 convolutions is named", "[conv][errors]") {
  const auto conv = make_conv_backend(Device::cpu);
  if (conv->supports(DType::bf16) || std::string(conv->name()).find("onednn") == std::string::npos) return;
  World v(shapes()[3], DType::bf16);
  CHECK_THROWS_WITH(conv->forward({}, v.g, v.x.t, v.filter(), {}, v.y.t),
                    ContainsSubstring(" has no bf16 convolutions for this processor; set precision.compute to f32"));
}

TEST_CASE("a filter gradient is repeatable", "[conv]") {
  for (const DType dtype : types()) {
    World v({.n = 8, .h = 8, .w = 8, .c = 64, .k = 64, .r = 3, .s = 3, .stride = 1, .pad = 1}, dtype);
    const auto run = [&] {
      make_conv_backend(Device::cpu)->backward_filter({}, v.g, v.x.t, v.dy.t, 0.f, v.dw.t);
      return v.dw.bytes;
    };
    const auto first = run();
    for (int i = 0; i < 3; ++i) CHECK(run() == first);
  }
}

TEST_CASE("filter gradients of many images and of many filters agree with the reference", "[conv]") {
  for (const ConvShape& g : {ConvShape{.n = 32, .h = 32, .w = 32, .c = 16, .k = 16, .r = 3, .s = 3, .pad = 1},
                             ConvShape{.n = 2, .h = 4, .w = 4, .c = 256, .k = 256, .r = 3, .s = 3, .pad = 1}}) {
    World a(g, DType::f32), b(g, DType::f32);
    make_conv_backend(Device::cpu)->backward_filter({}, g, a.x.t, a.dy.t, 1.f, a.dw.t);
    make_reference_conv()->backward_filter({}, g, b.x.t, b.dy.t, 1.f, b.dw.t);
    CHECK(distance(a.dw, b.dw) < 2e-5);
  }
}
