#include "core/plans/conv_planned.h"

#include <cmath>

#include "core/convolution/conv_epilogue.h"
#include "core/memory/arena.h"
#include "kernels/runtime/capture.h"
#include "tests/fixtures/catch.h"
#include "tests/fixtures/gradcheck.h"
#include "tests/fixtures/reference_engines_fixture.h"
#include "tests/fixtures/temporary_folder.h"

using namespace temper;

namespace {

/// An array of the CPU with memory of its own.
struct Array {
  std::vector<char> bytes;
  Tensor t;

  Array(Shape shape, DType dtype, int salt = 0) : bytes(shape.numel() * size_of(dtype)) {
    t = {bytes.data(), shape, dtype, Device::cpu};
    set(test::wave(shape.numel(), salt));
  }
  void set(const std::vector<double>& values) {
    dispatch_float(t.dtype, [&](auto tag) {
      using T = decltype(tag);
      for (int64_t i = 0; i < t.numel(); ++i) t.as<T>()[i] = T(static_cast<float>(values[i]));
    });
  }
  std::vector<double> values() const {
    std::vector<double> v(t.numel());
    dispatch_float(t.dtype, [&](auto tag) {
      for (int64_t i = 0; i < t.numel(); ++i) v[i] = double(t.as<decltype(tag)>()[i]);
    });
    return v;
  }
};

/// One layer's arrays, in a compute type and with the same values in f32.
struct Layer {
  ConvShape g;
  Array x, w, bias, y, dy, dx, spare, mask, dw, gamma, beta, mean, variance;
  BatchNormFold fold;

  Layer(const ConvShape& g, DType dtype)
      : g(g),
        x({g.n, g.h, g.w, g.c}, dtype, 1),
        w({g.k, g.r, g.s, g.c}, DType::f32, 2),
        bias({g.k}, DType::f32, 3),
        y({g.n, g.p(), g.q(), g.k}, dtype, 4),
        dy(y.t.shape, dtype, 5),
        dx(x.t.shape, dtype, 6),
        spare(x.t.shape, dtype, 7),
        mask(x.t.shape, dtype, 8),
        dw(w.t.shape, DType::f32, 9),
        gamma({g.k}, DType::f32, 10),
        beta({g.k}, DType::f32, 11),
        mean({g.k}, DType::f32, 12),
        variance({g.k}, DType::f32, 13),
        fold{.gamma = gamma.t, .beta = beta.t, .mean = mean.t, .variance = variance.t} {
    std::vector<double> v = mask.values();
    for (size_t i = 0; i < v.size(); i += 2) v[i] = 0;  // as a ReLU leaves it
    mask.set(v);
    v = variance.values();
    for (double& e : v) e += 1.5;
    variance.set(v);
  }
  Layer(const Layer&) = delete;
  /// Takes over the rounded values of `other`.
  void match(const Layer& other) {
    for (auto [to, from] : {std::pair{&x, &other.x},
                            {&y, &other.y},
                            {&dy, &other.dy},
                            {&dx, &other.dx},
                            {&spare, &other.spare},
                            {&mask, &other.mask}})
      to->set(from->values());
  }
  ConvFilter filter() const { return {.w = w.t, .bias = bias.t}; }
  ConvFilter folded() const { return {.w = w.t, .fold = &fold}; }
  ConvForward forward(const ConvFilter& f) const { return {.shape = g, .x = x.t, .filter = f, .y = y.t}; }
  ConvBackwardData backward_data(const ConvFilter& f, float beta) const {
    return {.shape = g, .dy = dy.t, .filter = f, .dx = dx.t, .beta = beta};
  }
  ConvBackwardFilter backward_filter(float beta) const {
    return {.shape = g, .x = x.t, .dy = dy.t, .dw = dw.t, .beta = beta};
  }
  /// The data gradient with its mask; whether it went to `spare`, which may be offered.
  bool masked(ConvBackend& conv, Stream stream, float beta, bool offer) const {
    ConvBackwardData request = backward_data(folded(), beta);
    request.mask = mask.t;
    bool moved = false;
    if (offer) request.elsewhere = [&] { return moved = true, spare.t; };
    convolve_backward_data(conv, stream, request);
    return moved;
  }
};

double distance(const Array& a, const Array& b) {
  const std::vector<double> u = a.values(), v = b.values();
  double worst = 0, largest = 1e-30;
  for (size_t i = 0; i < u.size(); ++i) {
    worst = std::max(worst, std::abs(u[i] - v[i]));
    largest = std::max(largest, std::abs(v[i]));
  }
  return worst / largest;
}

/// A planned convolution on the CPU.
struct Planned {
  Arena arena{Stream{}, {.limit = size_t{64} << 20}};
  std::unique_ptr<ConvBackend> conv;

  explicit Planned(test::ReferenceEnginesOptions engines, ConvPlanning planning = {})
      : conv(make_planned_conv(test::make_reference_engines(std::move(engines)),
                               {.arena = &arena, .device = Device::cpu, .planning = std::move(planning)})) {}
};

const ConvShape kShapes[] = {{.n = 2, .h = 7, .w = 6, .c = 3, .k = 8, .r = 3, .s = 3, .stride = 1, .pad = 1},
                             {.n = 3, .h = 8, .w = 8, .c = 8, .k = 16, .r = 3, .s = 3, .stride = 2, .pad = 1},
                             {.n = 2, .h = 6, .w = 6, .c = 8, .k = 8, .r = 1, .s = 1, .stride = 2, .pad = 0}};

/// Every pass and epilogue agrees with the reference.
void check_all(Planned& planned, DType dtype, double tolerance) {
  const auto reference = make_reference_conv();
  for (const ConvShape& g : kShapes) {
    CAPTURE(dtype, shape_text(g));
    Layer a(g, dtype), b(g, DType::f32);
    b.match(a);
    const auto both = [&](auto f) {
      f(*planned.conv, a);
      f(*reference, b);
    };
    for (const bool residual : {false, true})
      for (const bool relu : {false, true})
        for (const bool fold : {false, true}) {
          CAPTURE(residual, relu, fold);
          both([&](ConvBackend& conv, Layer& v) {
            ConvForward request = v.forward(fold ? v.folded() : v.filter());
            request.residual = residual ? v.dy.t : Tensor{};
            request.relu = relu;
            convolve(conv, {}, request);
          });
          CHECK(distance(a.y, b.y) < tolerance);
        }
    both([&](ConvBackend& conv, Layer& v) { convolve(conv, {}, v.forward({.w = v.w.t})); });
    CHECK(distance(a.y, b.y) < tolerance);
    for (const float beta : {0.f, 1.f, 1.f}) {
      both([&](ConvBackend& conv, Layer& v) { convolve_backward_data(conv, {}, v.backward_data(v.folded(), beta)); });
      CHECK(distance(a.dx, b.dx) < tolerance);
      both([&](ConvBackend& conv, Layer& v) { conv.backward_filter({}, v.backward_filter(beta)); });
      CHECK(distance(a.dw, b.dw) < tolerance);
    }
    for (const bool elsewhere : {false, true})
      for (const float beta : {0.f, 1.f}) {
        if (beta == 0 && elsewhere) continue;
        both([&](ConvBackend& conv, Layer& v) {
          const bool moved = v.masked(conv, {}, beta, elsewhere);
          CHECK((elsewhere || !moved));
          if (moved) v.dx.set(v.spare.values());
        });
        CHECK(distance(a.dx, b.dx) < tolerance);
      }
    CHECK(planned.arena.used() == 0);
  }
}

double tolerance(DType t) { return t == DType::f32 ? 1e-5 : t == DType::bf16 ? 2e-2 : 3e-3; }

}  // namespace

TEST_CASE("planned convolutions agree with the reference, fused or not", "[conv][plans]") {
  for (const DType dtype : {DType::f32, DType::bf16, DType::f16}) {
    Planned fused({.engines = {{.workspace = 1000}}});
    check_all(fused, dtype, tolerance(dtype));
    Planned separate({.engines = {{.takes = test::plain}}});
    check_all(separate, dtype, tolerance(dtype));
    Planned without_narrow_filter_gradients({.engines = {{.takes = [](const ConvKey& k) {
                                               return k.pass != ConvPass::backward_filter ||
                                                      storage(k.type) == DType::f32;
                                             }}}});
    check_all(without_narrow_filter_gradients, dtype, tolerance(dtype));
  }
}

TEST_CASE("tf32 rounds the operands of f32 convolutions to 10 bits", "[conv][plans]") {
  Planned tf32({}, {.math = ConvMath::tf32}), f32({});
  Layer a(kShapes[1], DType::f32), b(kShapes[1], DType::f32);
  convolve(*tf32.conv, {}, a.forward({.w = a.w.t}));
  convolve(*f32.conv, {}, b.forward({.w = b.w.t}));
  CHECK(distance(a.y, b.y) < 2e-3);
  CHECK(distance(a.y, b.y) > 1e-5);
}

TEST_CASE("statistics come with the convolution where the library has that", "[conv][plans]") {
  Layer a(kShapes[1], DType::f32), b(kShapes[1], DType::f32);
  Array sum({a.g.k}, DType::f32), squares({a.g.k}, DType::f32), sum2({a.g.k}, DType::f32),
      squares2({a.g.k}, DType::f32);
  Planned with({}), without({.engines = {{.takes = test::plain}}});
  const auto run = [&](ConvBackend& conv, Layer& v, Array& s, Array& q) {
    ConvForward request = v.forward({.w = v.w.t});
    request.sum = s.t;
    request.squares = q.t;
    return convolve(conv, {}, request);
  };
  REQUIRE(run(*with.conv, a, sum, squares));
  REQUIRE(run(*make_reference_conv(), b, sum2, squares2));
  CHECK(distance(a.y, b.y) < 1e-5);
  CHECK(distance(sum, sum2) < 1e-5);
  CHECK(distance(squares, squares2) < 1e-5);
  CHECK(!run(*without.conv, a, sum, squares));
}

TEST_CASE("a plan is found once, and loaded by the next process", "[conv][plans]") {
  const test::TemporaryFolder folder;
  test::EnginesLog first, second;
  const auto use = [&](test::EnginesLog& log) {
    Planned planned({.log = &log}, {.folder = folder.path().string()});
    Layer v(kShapes[0], DType::f32);
    ConvForward request = v.forward(v.folded());
    request.relu = true;
    for (int i = 0; i < 3; ++i) convolve(*planned.conv, {}, request);
    CHECK(planned.conv->stats().primitives_created == 1);
    CHECK(planned.conv->notes().empty());
  };
  use(first);
  CHECK(first.found == 1);
  CHECK(first.loaded == 0);
  use(second);
  CHECK(second.found == 0);
  CHECK(second.loaded == 1);
}

TEST_CASE("of several plans the fastest is taken when they are to be timed", "[conv][plans]") {
  test::EnginesLog log;
  const auto run = [&](PlanChoice choice) {
    Planned planned({.engines = {{.name = "slow", .fault = test::Fault::one_element, .seconds = 3}, {.name = "fast"}}},
                    {.choice = choice, .check = PlanCheck::off});
    Layer a(kShapes[0], DType::f32), b(kShapes[0], DType::f32);
    for (const float beta : {0.f, 1.f}) {  // timing adds nothing to what is there
      convolve_backward_data(*planned.conv, {}, a.backward_data(a.filter(), beta));
      convolve_backward_data(*make_reference_conv(), {}, b.backward_data(b.filter(), beta));
    }
    return distance(a.dx, b.dx);
  };
  CHECK(run(PlanChoice::timed) < 1e-5);
  CHECK(run(PlanChoice::proposed) > 1e-2);
}

TEST_CASE("a convolution no engine computes says why and what to do", "[conv][plans]") {
  Planned planned({.engines = {{.workspace = 3 << 20}}}, {.workspace_mb = 2});
  Layer v(kShapes[0], DType::f32);
  CHECK_THROWS_WITH(
      convolve(*planned.conv, {}, v.forward({.w = v.w.t})),
      "conv2d: reference engines 1 on a CPU has no engine for forward in f32 of x (2, 7, 6, 3), w (8, 3, 3, "
      "3), stride 1, padding 1: of 1 it proposes, 1 need more than 2 MiB of work space; raise "
      "convolution.workspace_mb to 3 or lower batch_size");
}

TEST_CASE("planning notes what a pass will need, and runs nothing", "[conv][plans]") {
  for (const bool fused : {true, false}) {
    test::EnginesLog log;
    Capture capture;
    const Stream stream{.capture = &capture};
    Planned planned(
        {.engines = {{.takes = fused ? std::function<bool(const ConvKey&)>() : test::plain, .workspace = 100}},
         .log = &log});
    Layer v(kShapes[1], DType::bf16);
    const auto pass = [&] {
      ConvBackend& conv = *planned.conv;
      ConvForward request = v.forward(v.folded());
      request.residual = v.dy.t;
      request.relu = true;
      convolve(conv, stream, request);
      convolve_backward_data(conv, stream, v.backward_data(v.filter(), 1));
      v.masked(conv, stream, 1, true);
      v.masked(conv, stream, 0, false);
      conv.backward_filter(stream, v.backward_filter(0));
    };
    const auto before = v.y.values();
    {
      const Planning planning(capture);
      pass();
    }
    CHECK(log.found == 0);
    planned.conv->make_plans(stream);
    const int found = log.found, executed = log.executed;
    CHECK(found == (fused ? 5 : 7));
    CHECK(v.y.values() == before);
    planned.arena.reset_peak();
    {
      const Planning planning(capture);
      pass();
    }
    CHECK(log.executed == executed);
    const size_t foreseen = planned.arena.peak();
    planned.arena.reset_peak();
    pass();
    CHECK(log.found == found);  // what was planned is all that is needed
    CHECK(planned.arena.peak() == foreseen);
    CHECK(v.y.values() != before);
  }
}
