#include "core/ops_conv.h"

#include <set>

#include "core/ops_elementwise.h"
#include "core/ops_pool.h"
#include "kernels/runtime/memory.h"
#include "kernels/runtime/range.h"
#include "tests/devices.h"
#include "tests/gradcheck.h"

using namespace temper;
using test::GradCheck;

namespace {

/// x, w, residual, gamma, beta of a convolution (2, 5, 6, 3) -> (2, 5, 6, 4), and running statistics.
struct BnCheck {
  explicit BnCheck(BatchStatistics statistics = BatchStatistics::apart)
      : check({{2, 5, 6, 3}, {4, 3, 3, 3}, {2, 5, 6, 4}, {4}, {4}}, {.statistics = statistics}) {}

  GradCheck check;
  std::vector<double> mean{0.1, -0.2, 0.3, 0.05}, var{0.9, 1.4, 0.6, 2.0};

  BatchNormVars bn(const Var& gamma, const Var& beta) {
    return {.gamma = gamma,
            .beta = beta,
            .running_mean = {mean.data(), {4}, DType::f64, Device::cpu},
            .running_var = {var.data(), {4}, DType::f64, Device::cpu}};
  }
  Var op(Tape& t, const std::vector<Var>& p, const BatchNormOptions& o, const Var& residual, Activation a) {
    return conv2d_batch_norm(t, p[0], p[1], {.stride = 1, .pad = 1}, bn(p[3], p[4]), o, 0, residual, a);
  }
};

const BatchNormOptions kRunning{.stats = BnStats::running}, kBatch{.stats = BnStats::batch, .update = BnUpdate::no};

}  // namespace

TEST_CASE("gradient of conv2d_act", "[grad]") {
  GradCheck check({{2, 5, 6, 3}, {4, 3, 3, 3}, {4}, {2, 5, 6, 4}});
  const ConvOptions same{.stride = 1, .pad = 1};
  check.run([&](Tape& t, const auto& p) { return conv2d_act(t, p[0], p[1], p[2], same, p[3], Activation::relu); });
  check.run([&](Tape& t, const auto& p) { return conv2d_act(t, p[0], p[1], {}, same, p[3], Activation::none); });
  check.run([&](Tape& t, const auto& p) {
    return conv2d_act(t, p[0], p[1], p[2], {.stride = 2, .pad = 0}, {}, Activation::relu);
  });
}

TEST_CASE("gradient of conv2d_act through a residual of its own input", "[grad]") {
  GradCheck check({{2, 4, 4, 3}, {3, 3, 3, 3}});
  check.run([](Tape& t, const auto& p) {
    const Var h = conv2d_act(t, p[0], p[1], {}, {.pad = 1}, {}, Activation::relu);
    return conv2d_act(t, h, p[1], {}, {.pad = 1}, h, Activation::relu);
  });
}

TEST_CASE("gradient through a ReLU whose output several convolutions take", "[grad]") {
  GradCheck check({{2, 4, 4, 3}, {3, 3, 3, 3}, {3, 1, 1, 3}});
  const auto block = [](Tape& t, const Var& x, const auto& p) {
    const Var a = conv2d_act(t, x, p[1], {}, {.pad = 1}, {}, Activation::relu);
    const Var shortcut = conv2d(t, x, p[2], {}, {});
    return conv2d_act(t, a, p[1], {}, {.pad = 1}, shortcut, Activation::relu);
  };
  check.run([&](Tape& t, const auto& p) { return block(t, block(t, p[0], p), p); });
}

TEST_CASE("gradient through a ReLU whose output is pooled", "[grad]") {
  GradCheck check({{2, 4, 4, 3}, {3, 3, 3, 3}});
  const auto hidden = [](Tape& t, const auto& p) {
    return conv2d_act(t, p[0], p[1], {}, {.pad = 1}, {}, Activation::relu);
  };
  check.run([&](Tape& t, const auto& p) { return global_avg_pool(t, hidden(t, p)); });
  check.run([&](Tape& t, const auto& p) {  // the pooling adds last
    const Var h = hidden(t, p), pooled = global_avg_pool(t, h);
    return add(t, pooled, global_avg_pool(t, conv2d(t, h, p[1], {}, {.pad = 1})));
  });
  check.run([&](Tape& t, const auto& p) {  // the convolution does
    const Var h = hidden(t, p), further = conv2d(t, h, p[1], {}, {.pad = 1});
    return add(t, global_avg_pool(t, further), global_avg_pool(t, h));
  });
}

TEST_CASE("a ReLU's gradient is taken once, by the last to add to it", "[grad]") {
  Engine engine({.compute = DType::f32});
  std::vector<float> x = {1, 2, -1, 3}, w = {1};
  const auto gradient = [&](bool twice) {
    Tape tape(engine, Wrt::input);
    const Var in = tape.input({x.data(), {1, 2, 2, 1}, DType::f32});
    const Var filter{{w.data(), {1, 1, 1, 1}, DType::f32}};
    const Var h = conv2d_act(tape, in, filter, {}, {}, {}, Activation::relu);
    const Var a = conv2d(tape, h, filter, {}, {});
    const Var y = (twice ? add(tape, a, conv2d(tape, h, filter, {}, {})) : a);
    const Var loss = reshape(tape, y, {4});
    tape.backward(loss);
    tape.backward(loss);  // a second time over the same recording
    const Tensor g = tape.grad(in);
    return std::vector<float>(g.as<float>(), g.as<float>() + 4);
  };
  CHECK(gradient(false) == std::vector<float>{1, 1, 0, 1});
  CHECK(gradient(true) == std::vector<float>{2, 2, 0, 2});
}

TEST_CASE("gradient of conv2d_batch_norm", "[grad]") {
  const auto statistics = GENERATE(BatchStatistics::apart, BatchStatistics::fused);
  for (const Activation a : {Activation::none, Activation::relu}) {
    BnCheck c(statistics);
    for (const BatchNormOptions& o : {kRunning, kBatch}) {
      c.check.run([&](Tape& t, const auto& p) { return c.op(t, p, o, p[2], a); });
      c.check.run([&](Tape& t, const auto& p) { return c.op(t, p, o, {}, a); });
    }
  }
}

TEST_CASE("gradient of conv2d_batch_norm folded into its filter", "[grad]") {
  GradCheck check({{2, 5, 6, 3}, {2, 5, 6, 4}});
  std::vector<double> w = test::wave(4 * 3 * 3 * 3, 3), gamma = test::wave(4, 4), beta = test::wave(4, 5),
                      mean = test::wave(4, 6), var{0.9, 1.4, 0.6, 2.0};
  const auto constant = [](std::vector<double>& v, Shape shape) { return Tensor{v.data(), shape, DType::f64}; };
  const BatchNormVars bn{.gamma = {constant(gamma, {4})},
                         .beta = {constant(beta, {4})},
                         .running_mean = constant(mean, {4}),
                         .running_var = constant(var, {4})};
  const Var filter{constant(w, {4, 3, 3, 3})};
  for (const Activation a : {Activation::none, Activation::relu}) {
    check.run([&](Tape& t, const auto& p) {
      return conv2d_batch_norm(t, p[0], filter, {.pad = 1}, bn, kRunning, 0, p[1], a);
    });
    check.run(
        [&](Tape& t, const auto& p) { return conv2d_batch_norm(t, p[0], filter, {.pad = 1}, bn, kRunning, 0, {}, a); });
  }
}

namespace {

/// What conv2d_batch_norm gives with batch statistics, then its running mean and variance; the names of all ranges into
/// `ranges`.
std::vector<float> batch_normed(const EngineOptions& options, std::set<std::string>& ranges) {
  RangeLog log;
  EngineOptions logged = options;
  logged.ranges = &log;
  Engine engine(logged);
  const Stream stream = engine.stream();
  const auto up = [&](int64_t salt, Shape shape) {
    const std::vector<double> v = test::wave(shape.numel(), static_cast<int>(salt));
    const std::vector<float> values(v.begin(), v.end());
    const Tensor t = engine.arena().tensor(shape, DType::f32);
    copy(stream, t.data, t.device, values.data(), Device::cpu, t.bytes());
    synchronize(stream);
    return t;
  };
  Tape tape(engine, Wrt::nothing);
  const Tensor mean = up(4, {16}), var = up(5, {16});
  const Var x = convert(tape, Var{up(1, {4, 8, 8, 8})}, options.compute);
  const Var y =
      conv2d_batch_norm(tape, x, Var{up(2, {16, 3, 3, 8})}, {.pad = 1},
                        {.gamma = {up(3, {16})}, .beta = {up(6, {16})}, .running_mean = mean, .running_var = var},
                        {.momentum = 0.5}, 0, {}, Activation::none);
  std::vector<float> got;
  for (const Tensor& t : {convert(tape, y, DType::f32).value, mean, var}) {
    got.resize(got.size() + t.numel());
    copy(stream, got.data() + got.size() - t.numel(), Device::cpu, t.data, t.device, t.bytes());
    synchronize(stream);
  }
  for (const RangeLog::Node& node : log.nodes()) ranges.insert(node.name);
  return got;
}

}  // namespace

TEMPER_DEVICE_TEST("statistics that a convolution takes on the way agree with a pass of their own", "[conv]") {
  EngineOptions apart{.device = device,
                      .compute = device == Device::cpu ? DType::f32 : DType::bf16,
                      .arena_mb = 64,
                      .reference_conv = device == Device::cpu};
  EngineOptions fused = apart, exact = apart;
  fused.planning.statistics = exact.planning.statistics = BatchStatistics::fused;
  exact.exactness = Exactness::exact;
  std::set<std::string> apart_ranges, fused_ranges, exact_ranges;
  const std::vector<float> want = batch_normed(apart, apart_ranges), got = batch_normed(fused, fused_ranges);
  const double tolerance = device == Device::cpu ? 1e-5 : 2e-2;
  for (size_t i = 0; i < want.size(); ++i) REQUIRE(got[i] == Approx(want[i]).epsilon(tolerance).margin(tolerance));
  CHECK(fused_ranges.count("batch_norm_statistics_of") == 1);
  CHECK(apart_ranges.count("batch_norm_statistics_of") == 0);
  batch_normed(exact, exact_ranges);
  CHECK(exact_ranges.count("batch_norm_statistics_of") == 0);
}

TEST_CASE("a folded BatchNorm has the values of an unfolded one", "[conv]") {
  BnCheck c;
  const auto values = [&](Wrt wrt) {
    Tape tape(c.check.engine(), wrt);
    std::vector<Var> p;
    for (int i = 0; i < 5; ++i) p.push_back(tape.param(c.check.values(), i));
    const Tensor y = c.op(tape, p, kRunning, p[2], Activation::relu).value;
    return std::vector<double>(y.as<double>(), y.as<double>() + y.numel());
  };
  const auto folded = values(Wrt::nothing), unfolded = values(Wrt::params);
  for (size_t i = 0; i < folded.size(); ++i) CHECK(folded[i] == Approx(unfolded[i]).margin(1e-12));
}

TEST_CASE("conv2d errors name the operands", "[errors]") {
  GradCheck check({{2, 5, 6, 3}, {4, 3, 3, 2}, {4, 3, 3, 3}, {5}, {2, 5, 6, 5}});
  Tape tape(check.engine(), Wrt::nothing);
  std::vector<Var> p;
  for (int i = 0; i < 5; ++i) p.push_back(tape.param(check.values(), i));
  CHECK_THROWS_WITH(conv2d(tape, p[0], p[1], {}, {}),
                    "conv2d: x is (2, 5, 6, 3) so w must be (K, R, S, 3), got (4, 3, 3, 2)");
  CHECK_THROWS_WITH(conv2d(tape, p[0], p[2], p[3], {}), "conv2d: w is (4, 3, 3, 3) so bias must be (4), got (5)");
  CHECK_THROWS_WITH(conv2d(tape, p[0], p[2], {}, {.stride = 0}),
                    "conv2d: a 3x3 filter with padding 0 and stride 0 does not fit x (2, 5, 6, 3)");
  CHECK_THROWS_WITH(conv2d_act(tape, p[0], p[2], {}, {.pad = 1}, p[4], Activation::relu),
                    "conv2d_act: the result is (2, 5, 6, 4) f64 so residual must be too, got (2, 5, 6, 5) f64");
}
