#include <cmath>

#include "kernels/ema/ema.h"
#include "tests/fixtures/devices.h"
#include "tests/fixtures/tensors.h"
#include "tests/fixtures/training_fixture.h"
#include "trainers/optimizers/sgd.h"
#include "trainers/optimizers/weight_optimizer.h"

using namespace temper;

namespace {

ParamLayout three_arrays() {
  ParamLayout layout;
  layout.add("conv.weight", {5, 3}, nullptr);
  layout.add("conv.bias", {5}, nullptr);
  layout.add("fc.weight", {2, 70}, nullptr);
  return layout;
}

std::vector<double> numbers(int64_t n, double scale, double shift) {
  std::vector<double> v(n);
  for (int64_t i = 0; i < n; ++i) v[i] = scale * std::sin(0.7 * static_cast<double>(i) + shift);
  return v;
}

// PyTorch's SGD, written out: g += wd * w; v = m * v + g; w -= lr * (nesterov ? g + m * v : v).
void reference_step(std::vector<double>& w, std::vector<double>& v, std::vector<double> g, const SgdOptions& o,
                    double lr, double decay) {
  for (size_t i = 0; i < w.size(); ++i) {
    g[i] += decay * w[i];
    v[i] = o.momentum * v[i] + g[i];
    w[i] -= lr * (o.nesterov ? g[i] + o.momentum * v[i] : v[i]);
  }
}

}  // namespace

TEMPER_DEVICE_TEST("sgd: three steps follow PyTorch's formula, per-parameter decay and freezing included",
                   "[optimizer]") {
  const Stream stream{.device = device};
  for (const bool nesterov : {false, true}) {
    ParamLayout layout = three_arrays();
    const SgdOptions o{.lr = 0.1, .momentum = 0.9, .weight_decay = 0.05, .nesterov = nesterov};
    ParamBuffer w(layout, DType::f64, stream), g(layout, DType::f64, stream);
    std::vector<std::vector<double>> want, velocity;
    for (int i = 0; i < 3; ++i) {
      const int64_t n = layout[i].shape.numel();
      w.write(i, numbers(n, 1, i));
      want.push_back(w.read(i));
      velocity.emplace_back(n, 0.0);
    }
    const Sgd rule(o);
    WeightOptimizer sgd(w, rule, stream, {.no_decay = {"*.bias"}});
    for (int step = 0; step < 3; ++step) {
      for (int i = 0; i < 3; ++i) {
        const std::vector<double> gradient = numbers(layout[i].shape.numel(), 0.3, i + step);
        g.write(i, gradient);
        reference_step(want[i], velocity[i], gradient, o, 0.1 / (step + 1), i == 1 ? 0 : 0.05);
      }
      const uint64_t version = w.version();
      sgd.prepare(0.1 / (step + 1));
      sgd.step(stream, g);
      CHECK(w.version() != version);
    }
    for (int i = 0; i < 3; ++i)
      for (size_t e = 0; e < want[i].size(); ++e) {
        CHECK(w.read(i)[e] == Approx(want[i][e]).epsilon(1e-12));
        CHECK(sgd.state("momentum").read(i)[e] == Approx(velocity[i][e]).epsilon(1e-12));
      }
  }
}

TEMPER_DEVICE_TEST("sgd: frozen parameters and their momentum do not move", "[optimizer]") {
  const Stream stream{.device = device};
  ParamLayout layout = three_arrays();
  layout.freeze("conv.*");
  ParamBuffer w(layout, DType::f32, stream), g(layout, DType::f32, stream);
  for (int i = 0; i < 3; ++i) {
    w.write(i, numbers(layout[i].shape.numel(), 1, i));
    g.write(i, numbers(layout[i].shape.numel(), 1, i + 1));
  }
  const std::vector<double> bias = w.read(1), fc = w.read(2);
  const Sgd rule;
  WeightOptimizer sgd(w, rule, stream);
  sgd.prepare(0.1);
  sgd.step(stream, g);
  CHECK(w.read(1) == bias);
  CHECK(w.read(2) != fc);
  CHECK(sgd.state("momentum").read(0) == std::vector<double>(15, 0.0));
}

TEMPER_DEVICE_TEST("sgd: a mask of ones is no mask; a masked gradient leaves momentum at work, a frozen weight stays",
                   "[optimizer]") {
  const Stream stream{.device = device};
  ParamLayout layout = three_arrays();
  const auto run = [&](double mask_value, MaskMode mode, bool with_mask) {
    ParamBuffer w(layout, DType::f32, stream), g(layout, DType::f32, stream), mask(layout, DType::f32, stream);
    for (int i = 0; i < 3; ++i) {
      const int64_t n = layout[i].shape.numel();
      w.write(i, numbers(n, 1, i));
      g.write(i, numbers(n, 1, i + 1));
      mask.write(i, std::vector<double>(n, mask_value));
    }
    const Sgd rule({.weight_decay = 0});
    WeightOptimizer sgd(w, rule, stream);
    sgd.prepare(0.1);
    sgd.step(stream, g);
    sgd.step(stream, g, with_mask ? GradientMask{&mask, mode} : GradientMask{});
    return w.read(2);
  };
  const auto plain = run(1, MaskMode::freeze, false);
  CHECK(run(1, MaskMode::freeze, true) == plain);
  CHECK(run(1, MaskMode::zero_gradient, true) == plain);
  const auto leak = run(0, MaskMode::zero_gradient, true), frozen = run(0, MaskMode::freeze, true);
  CHECK(leak != frozen);
  const std::vector<double> w0 = numbers(140, 1, 2), g0 = numbers(140, 1, 3);
  for (int e = 0; e < 140; ++e) {
    CHECK(frozen[e] == Approx(w0[e] - 0.1 * g0[e]).margin(1e-6));
    CHECK(leak[e] == Approx(w0[e] - 0.1 * g0[e] - 0.1 * 0.9 * g0[e]).margin(1e-6));
  }
}

TEST_CASE("optimizer: wrong fields say what is expected") {
  const auto read = [](const std::string& yaml) {
    const Config config = parse_config("optimizer: " + yaml, "o.yaml");
    Fields f(config);
    OptimizerSection o;
    o.read(f);
    f.finish();
  };
  CHECK_THROWS_WITH(read("{lr: 0}"), "o.yaml line 1: optimizer.lr: expected more than 0, got 0");
  CHECK_THROWS_WITH(read("{momentum: 1}"),
                    ContainsSubstring("optimizer.momentum: expected 0 or more and below 1, got 1"));
  CHECK_THROWS_WITH(read("{weight_decay: -1}"),
                    ContainsSubstring("optimizer.weight_decay: expected 0 or more, got -1"));
  CHECK_THROWS_WITH(read("{weight_decai: 1}"), ContainsSubstring("did you mean 'weight_decay'?"));
  CHECK_THROWS_WITH(read("{name: adamm}"),
                    ContainsSubstring("optimizer.name: unknown name 'adamm'; did you mean 'adam'?"));
  CHECK_THROWS_WITH(read("{name: adamw, lr: 5, weight_decay: 0.2}"),
                    ContainsSubstring("optimizer.weight_decay: expected lr * weight_decay below 1"));
  CHECK_NOTHROW(read("{name: adam, lr: 5, weight_decay: 0.2}"));  // divided by its size before it acts
  CHECK_THROWS_WITH(read("{name: adam, momentum: 0.9}"), ContainsSubstring("optimizer: unknown key 'momentum'"));
  CHECK_THROWS_WITH(read("{clip: {norm: -1}}"), ContainsSubstring("optimizer.clip.norm: expected 0 or more, got -1"));
  CHECK_THROWS_WITH(read("{groups: [{lr_factor: 2}]}"),
                    ContainsSubstring("optimizer.groups.0.parameters: expected at least one glob"));
  CHECK_THROWS_WITH(read("{groups: [{parameters: [a], schedul: {name: cosine}}]}"),
                    ContainsSubstring("did you mean 'schedule'?"));
  CHECK_THROWS_WITH(
      read("{groups: [{parameters: [a], schedule: {name: cosines}}]}"),
      ContainsSubstring("optimizer.groups.0.schedule.name: unknown name 'cosines'; did you mean 'cosine'?"));
  ParamLayout layout = three_arrays();
  ParamBuffer w(layout, DType::f32, {});
  const Sgd rule;
  const auto grouped = [&](const std::vector<std::string>& one, const std::vector<std::string>& other) {
    OptimizerOptions options;
    for (const auto& globs : {one, other}) options.groups.emplace_back().parameters = globs;
    WeightOptimizer optimizer(w, rule, {}, options);
  };
  CHECK_THROWS_WITH(grouped({"conv.*"}, {"bn*"}), "optimizer.groups: no parameter matches 'bn*'");
  CHECK_THROWS_WITH(
      grouped({"conv.*"}, {"*.bias"}),
      "optimizer.groups: parameter 'conv.bias' is in groups 0 and 1 (from 0); expected one group for each, "
      "so narrow the globs of one of them");
  CHECK_THROWS_WITH(WeightOptimizer(w, rule, {}, {.no_decay = {"bn*"}}),
                    "optimizer.no_decay: no parameter matches 'bn*'");
}

TEMPER_DEVICE_TEST("sgd: an average and a 16-bit copy move with the weights, to the bit as one after the other",
                   "[optimizer]") {
  const Stream stream{.device = device};
  for (const bool masked : {false, true}) {
    ParamLayout layout = three_arrays();
    layout.freeze("conv.bias");
    const Sgd rule({.momentum = 0.9, .weight_decay = 0.05});
    const OptimizerOptions options{.no_decay = {"fc.weight"}};
    ParamBuffer w(layout, DType::f32, stream), separate(layout, DType::f32, stream), g(layout, DType::f32, stream),
        mask(layout, DType::f32, stream);
    ParamBuffer average(layout, DType::f32, stream), separate_average(layout, DType::f32, stream);
    for (int i = 0; i < 3; ++i) {
      const int64_t n = layout[i].shape.numel();
      w.write(i, numbers(n, 1, i));
      g.write(i, numbers(n, 1, i + 1));
      average.write(i, numbers(n, 1, i + 2));
      std::vector<double> some(n, 1);
      for (int64_t e = 0; e < n; e += 3) some[e] = 0;
      mask.write(i, some);
    }
    separate.copy_from(w);
    separate_average.copy_from(average);
    const GradientMask m{masked ? &mask : nullptr, MaskMode::zero_gradient};
    WeightOptimizer together(w, rule, stream, options), alone(separate, rule, stream, options);
    together.prepare(0.1);
    alone.prepare(0.1);
    w.half_view(0, DType::bf16);
    const auto contents = [&](const ParamBuffer& flat) { return test::numbers_of(stream, flat.all()); };
    for (int step = 0; step < 3; ++step) {
      const uint64_t version = average.version();
      together.step(stream, g, m, {&average, 0.9});
      CHECK(average.version() != version);
      alone.step(stream, g, m);
      ema<float>(stream, layout.size(), separate_average.all().as<float>(), separate.all().as<float>(), 0.9);
      REQUIRE(w.half_copy());
      const std::vector<double> half = test::numbers_of(stream, w.half_copy()), all = contents(w);
      for (size_t i = 0; i < all.size(); ++i) REQUIRE(half[i] == bfloat16(static_cast<float>(all[i])));
      CHECK(all == contents(separate));
      CHECK(contents(average) == contents(separate_average));
      CHECK(contents(together.state("momentum")) == contents(alone.state("momentum")));
    }
  }
}

TEST_CASE("optimizer: a rule that knows no masks refuses them", "[optimizer]") {
  struct Plain : Optimizer {
    Plain() : Optimizer({.lr = 1, .weight_decay = 0}) {}
    void update(Stream, const Update&) const override {}
  } plain;
  ParamLayout layout = three_arrays();
  ParamBuffer w(layout, DType::f32, {}), g(layout, DType::f32, {}), mask(layout, DType::f32, {});
  WeightOptimizer optimizer(w, plain, {});
  optimizer.prepare(0.1);
  optimizer.step({}, g);
  CHECK_THROWS_WITH(optimizer.step({}, g, {&mask}), ContainsSubstring("does not handle masks of gradients"));
}

TEST_CASE("optimizer: a group's schedule is held against the run, and gives its rates", "[optimizer]") {
  const std::string groups =
      "optimizer.groups=[{parameters: ['fc.*'], lr_factor: 2, schedule: {name: steps, milestones: [2, 75]}}]";
  Experiment e = test::tiny(test::kPgdAt, {groups});
  REQUIRE(e.warnings.size() == 1);
  CHECK_THAT(e.warnings[0], ContainsSubstring("optimizer.groups.0.schedule.milestones: epoch 75 never comes"));
  const TrainingState s(e, read_splits(e));
  const auto rates = [&](int64_t epoch) {
    return s.trained[0].optimizer.rates(*e.schedule.schedule, {.epoch = epoch, .epochs = 3});
  };
  CHECK(rates(1) == std::vector<double>{0.05, 0.1});
  CHECK(rates(2) == std::vector<double>{0.05, 2 * (0.05 * 0.1)});
}

TEMPER_DEVICE_TEST(
    "optimizer: clipped by norm, a step is no longer than rate and limit say; the gradient is logged as it was",
    "[optimizer]") {
  const auto length = [&](double limit) {
    Experiment e = test::tiny(test::kPgdAt, test::on(device, {"optimizer.momentum=0", "optimizer.weight_decay=0",
                                                              cat("optimizer.clip.norm=", limit)}));
    TrainingState s(e, read_splits(e));
    const auto before = test::numbers_of(s.engine, s.network->weights().params.all());
    const StepNumbers n = train_step(s, "none");
    const auto after = test::numbers_of(s.engine, s.network->weights().params.all());
    double sum = 0;
    for (size_t i = 0; i < after.size(); ++i) sum += (after[i] - before[i]) * (after[i] - before[i]);
    return std::pair(n.grad_norm, std::sqrt(sum));
  };
  const auto [norm, free] = length(0);
  REQUIRE(norm > 0.02);
  CHECK(free == Approx(0.05 * norm).epsilon(1e-4));
  const auto [logged, clipped] = length(0.01);
  CHECK(logged == norm);
  CHECK(clipped == Approx(0.05 * 0.01).epsilon(1e-3));
  CHECK(length(100 * norm) == std::pair(norm, free));
}
