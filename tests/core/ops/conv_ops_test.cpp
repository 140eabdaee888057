#include "core/ops/conv.h"

#include <set>

#include "core/ops/elementwise.h"
#include "core/ops/pool.h"
#include "kernels/runtime/memory.h"
#include "kernels/runtime/range.h"
#include "tests/fixtures/devices.h"
#include "tests/fixtures/gradcheck.h"

using namespace temper;
using test::GradCheck;
using test::tensor_of;

namespace {

/// x, w, residual, gamma, beta of a convolution (2, 5, 6, 3) -> (2, 5, 6, 4), and running statistics.
struct BnCheck {
  explicit BnCheck(Device device, BatchStatistics statistics = BatchStatistics::separate)
      : check({{2, 5, 6, 3}, {4, 3, 3, 3}, {2, 5, 6, 4}, {4}, {4}}, device, {.statistics = statistics}) {}

  GradCheck check;

  static BatchNormVars bn(Tape& t, const Var& gamma, const Var& beta) {
    return {.gamma = gamma,
            .beta = beta,
            .running_mean = tensor_of(t.engine(), {4}, {0.1, -0.2, 0.3, 0.05}),
            .running_var = tensor_of(t.engine(), {4}, {0.9, 1.4, 0.6, 2.0})};
  }
  static Var op(Tape& t, const std::vector<Var>& p, const BatchNormOptions& o, const Var& residual, Activation a) {
    return conv2d_batch_norm(t, p[0], p[1], {.stride = 1, .pad = 1}, bn(t, p[3], p[4]), o, residual, a);
  }
};

const BatchNormOptions kRunning{.stats = BnStats::running}, kBatch{.stats = BnStats::batch, .update = BnUpdate::no};

}  // namespace

TEMPER_DEVICE_TEST("gradient of conv2d_act", "[ops][grad]") {
  GradCheck check({{2, 5, 6, 3}, {4, 3, 3, 3}, {4}, {2, 5, 6, 4}}, device);
  const ConvOptions same{.stride = 1, .pad = 1};
  check.run([&](Tape& t, const auto& p) { return conv2d_act(t, p[0], p[1], p[2], same, p[3], Activation::relu); });
  check.run([&](Tape& t, const auto& p) { return conv2d_act(t, p[0], p[1], {}, same, p[3], Activation::none); });
  check.run([&](Tape& t, const auto& p) {
    return conv2d_act(t, p[0], p[1], p[2], {.stride = 2, .pad = 0}, {}, Activation::relu);
  });
}

TEMPER_DEVICE_TEST("gradient of conv2d_act through a residual of its own input", "[ops][grad]") {
  GradCheck check({{2, 4, 4, 3}, {3, 3, 3, 3}}, device);
  check.run([](Tape& t, const auto& p) {
    const Var h = conv2d_act(t, p[0], p[1], {}, {.pad = 1}, {}, Activation::relu);
    return conv2d_act(t, h, p[1], {}, {.pad = 1}, h, Activation::relu);
  });
}

TEMPER_DEVICE_TEST("gradient through a ReLU whose output several convolutions take", "[ops][grad]") {
  GradCheck check({{2, 4, 4, 3}, {3, 3, 3, 3}, {3, 1, 1, 3}}, device);
  const auto block = [](Tape& t, const Var& x, const auto& p) {
    const Var a = conv2d_act(t, x, p[1], {}, {.pad = 1}, {}, Activation::relu);
    const Var shortcut = conv2d(t, x, p[2], {}, {});
    return conv2d_act(t, a, p[1], {}, {.pad = 1}, shortcut, Activation::relu);
  };
  check.run([&](Tape& t, const auto& p) { return block(t, block(t, p[0], p), p); });
}

TEMPER_DEVICE_TEST("gradient through a ReLU whose output is pooled", "[ops][grad]") {
  GradCheck check({{2, 4, 4, 3}, {3, 3, 3, 3}}, device);
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

TEMPER_DEVICE_TEST("a ReLU's gradient is taken once, by the last to add to it", "[ops][grad]") {
  Engine engine({.device = device, .compute = DType::f32, .arena_mb = 64});
  const Tensor x = tensor_of(engine, {1, 2, 2, 1}, {1, 2, -1, 3});
  const Var filter{tensor_of(engine, {1, 1, 1, 1}, {1})};
  const auto gradient = [&](bool twice) {
    Tape tape(engine, Wrt::input);
    const Var in = tape.input(x);
    const Var h = conv2d_act(tape, in, filter, {}, {}, {}, Activation::relu);
    const Var a = conv2d(tape, h, filter, {}, {});
    const Var y = (twice ? add(tape, a, conv2d(tape, h, filter, {}, {})) : a);
    const Var loss = reshape(tape, y, {4});
    tape.backward(loss);
    tape.backward(loss);  // a second time over the same recording
    return test::values_of<float>(engine, tape.grad(in));
  };
  CHECK(gradient(false) == std::vector<float>{1, 1, 0, 1});
  CHECK(gradient(true) == std::vector<float>{2, 2, 0, 2});
}

TEMPER_DEVICE_TEST("gradient of conv2d_batch_norm", "[ops][grad]") {
  const auto statistics = GENERATE(BatchStatistics::separate, BatchStatistics::fused);
  BnCheck c(device, statistics);
  for (const Activation a : {Activation::none, Activation::relu})
    for (const BatchNormOptions& o : {kRunning, kBatch}) {
      c.check.run([&](Tape& t, const auto& p) { return c.op(t, p, o, p[2], a); });
      c.check.run([&](Tape& t, const auto& p) { return c.op(t, p, o, {}, a); });
    }
}

TEMPER_DEVICE_TEST("gradient of conv2d_batch_norm folded into its filter", "[ops][grad]") {
  GradCheck check({{2, 5, 6, 3}, {2, 5, 6, 4}}, device);
  const auto constant = [](Tape& t, int salt, const Shape& shape) {
    return Var{tensor_of(t.engine(), shape, test::wave(shape.numel(), salt))};
  };
  for (const Activation a : {Activation::none, Activation::relu})
    for (const int residual : {0, 1})
      check.run([&](Tape& t, const auto& p) {
        const Var filter = constant(t, 3, {4, 3, 3, 3});
        const BatchNormVars bn = BnCheck::bn(t, constant(t, 4, {4}), constant(t, 5, {4}));
        return conv2d_batch_norm(t, p[0], filter, {.pad = 1}, bn, kRunning, residual ? p[1] : Var{}, a);
      });
}

namespace {

/// What conv2d_batch_norm gives with batch statistics, then its running mean and variance; the names of all ranges into
/// `ranges`.
std::vector<float> batch_normed(const EngineOptions& options, std::set<std::string>& ranges) {
  RangeLog log;
  EngineOptions logged = options;
  logged.ranges = &log;
  Engine engine(logged);
  const auto up = [&](int salt, const Shape& shape) {
    return tensor_of(engine, shape, test::wave(shape.numel(), salt));
  };
  Tape tape(engine, Wrt::nothing);
  const Tensor mean = up(4, {16}), var = up(5, {16});
  const Var x = convert(tape, Var{up(1, {4, 8, 8, 8})}, options.compute);
  const Var y =
      conv2d_batch_norm(tape, x, Var{up(2, {16, 3, 3, 8})}, {.pad = 1},
                        {.gamma = {up(3, {16})}, .beta = {up(6, {16})}, .running_mean = mean, .running_var = var},
                        {.momentum = 0.5}, {}, Activation::none);
  std::vector<float> got;
  for (const Tensor& t : {y.value, mean, var})
    for (const double v : test::numbers_of(engine, t)) got.push_back(static_cast<float>(v));
  for (const RangeLog::Node& node : log.nodes()) ranges.insert(node.name);
  return got;
}

}  // namespace

TEMPER_DEVICE_TEST("statistics that a convolution takes on the way agree with a pass of their own", "[conv]") {
  EngineOptions separate{.device = device,
                         .compute = device == Device::cpu ? DType::f32 : DType::bf16,
                         .arena_mb = 64,
                         .reference_conv = device == Device::cpu};
  EngineOptions fused = separate, exact = separate;
  fused.planning.statistics = exact.planning.statistics = BatchStatistics::fused;
  exact.without = that_round();
  std::set<std::string> separate_ranges, fused_ranges, exact_ranges;
  const std::vector<float> want = batch_normed(separate, separate_ranges), got = batch_normed(fused, fused_ranges);
  const double tolerance = device == Device::cpu ? 1e-5 : 2e-2;
  for (size_t i = 0; i < want.size(); ++i) REQUIRE(got[i] == Approx(want[i]).epsilon(tolerance).margin(tolerance));
  CHECK(fused_ranges.count("batch_norm_statistics_of") == 1);
  CHECK(separate_ranges.count("batch_norm_statistics_of") == 0);
  batch_normed(exact, exact_ranges);
  CHECK(exact_ranges.count("batch_norm_statistics_of") == 0);
}

TEMPER_DEVICE_TEST("a folded BatchNorm has the values of an unfolded one", "[ops]") {
  const DType compute = device == Device::cpu ? DType::f64 : DType::f32;
  test::GradWorld world({.device = device, .compute = compute, .arena_mb = 64, .reference_conv = device == Device::cpu},
                        {{2, 5, 6, 3}, {4, 3, 3, 3}, {2, 5, 6, 4}, {4}, {4}});
  const auto values = [&](Wrt wrt) {
    Tape tape(world.engine(), wrt);
    const std::vector<Var> p = world.vars(tape);
    return test::numbers_of(world.engine(), BnCheck::op(tape, p, kRunning, p[2], Activation::relu).value);
  };
  const auto folded = values(Wrt::nothing), unfolded = values(Wrt::params);
  const double margin = device == Device::cpu ? 1e-12 : 1e-5;
  for (size_t i = 0; i < folded.size(); ++i) CHECK(folded[i] == Approx(unfolded[i]).margin(margin));
}

namespace {

/// A residual block and one with a projection, BatchNorms on batch or running statistics: the result, then the gradient
/// of the input or of the parameters.
std::vector<std::vector<double>> block_gradients(const EngineOptions& options, BnStats stats, Wrt wrt) {
  test::GradWorld world(options,
                        {{2, 8, 8, 16}, {16, 3, 3, 16}, {32, 3, 3, 16}, {32, 1, 1, 16}, {16}, {16}, {32}, {32}});
  Engine& engine = world.engine();
  Tape tape(engine, wrt);
  const auto p = [&](int i) { return tape.param(world.values(), i); };
  const Var image = tape.input(world.values().view(0));
  const auto bn = [&](int gamma, int64_t c) {
    return BatchNormVars{.gamma = p(gamma),
                         .beta = p(gamma + 1),
                         .running_mean = tensor_of(engine, {c}, test::wave(c, 20)),
                         .running_var = tensor_of(engine, {c}, std::vector<double>(c, 1.5))};
  };
  const BatchNormOptions o{.stats = stats, .update = BnUpdate::no};
  const Var x = convert(tape, image, options.compute);
  const Var a = conv2d_batch_norm(tape, x, p(1), {.pad = 1}, bn(4, 16), o, {}, Activation::relu);
  const Var b = conv2d_batch_norm(tape, a, p(1), {.pad = 1}, bn(4, 16), o, a, Activation::relu);
  const Var shortcut = conv2d_batch_norm(tape, b, p(3), {.stride = 2}, bn(6, 32), o, {}, Activation::none);
  const Var y = conv2d_batch_norm(tape, b, p(2), {.stride = 2, .pad = 1}, bn(6, 32), o, shortcut, Activation::relu);
  const Var loss = reshape(tape, global_avg_pool(tape, y), {64});
  std::vector<std::vector<double>> out = {test::numbers_of(engine, y.value)};
  if (wrt == Wrt::input) {
    tape.backward(loss);
    out.push_back(test::numbers_of(engine, tape.grad(image)));
    return out;
  }
  ParamBuffer grads = world.make_gradients();
  tape.backward(loss, grads);
  for (int i = 1; i < world.layout().count(); ++i) out.push_back(grads.read(i));
  return out;
}

}  // namespace

TEMPER_DEVICE_TEST("a residual block in fewer bits is near that of f32", "[ops][conv]") {
  struct Case {
    DType compute;
    double tolerance;
    ConvPlanning planning = {};
  };
  std::vector<Case> cases = {{DType::f16, 0.03}};
  if (device == Device::cuda || make_cpu_conv()->supports(DType::bf16)) cases.push_back({DType::bf16, 0.25});
  if (device == Device::cuda) cases.push_back({DType::f32, 0.03, {.math = ConvMath::tf32}});
  for (const Case& c : cases)
    for (const BnStats stats : {BnStats::batch, BnStats::running})
      for (const Wrt wrt : {Wrt::input, Wrt::params}) {
        CAPTURE(c.compute, c.planning.math == ConvMath::tf32, static_cast<int>(stats), static_cast<int>(wrt));
        const auto want = block_gradients({.arena_mb = 64}, stats, wrt);
        const auto got = block_gradients(
            {.device = device, .compute = c.compute, .arena_mb = 64, .planning = c.planning}, stats, wrt);
        REQUIRE(got.size() == want.size());
        for (size_t i = 0; i < want.size(); ++i) {
          CAPTURE(i);
          CHECK(test::relative_difference(got[i], want[i]) < c.tolerance);
        }
      }
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
