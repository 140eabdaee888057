// CURE's mask and its revision model, each by itself.
#include <algorithm>
#include <cmath>

#include "tests/fixtures/cure_fixture.h"
#include "tests/fixtures/devices.h"
#include "tests/fixtures/networks.h"
#include "tests/fixtures/training_fixture.h"
#include "trainers/methods/parts/revision.h"
#include "trainers/methods/parts/rgp.h"
#include "trainers/optimizers/sgd.h"

using namespace temper;

using test::arrays_of;
using test::fill_with;

namespace {

/// A network and its CURE mask, on gradients made up by the test.
struct MaskSetup {
  Device device;
  Engine engine{
      EngineOptions{.device = device, .compute = DType::f64, .arena_mb = 16, .reference_conv = device == Device::cpu}};
  std::unique_ptr<Network> network =
      test::network(engine, "{name: test_net}",
                    {.data = {.height = 8, .width = 8, .channels = 1, .classes = 3}, .dtype = DType::f64});
  RgpOptions options;
  ParamBuffer step{network->params(), DType::f64, engine.stream()};

  Rgp made() {
    Rgp rgp(engine, *network, options);
    fill_with(rgp.natural(), [](double i) { return std::sin(i); });
    fill_with(rgp.robust(), [](double i) { return std::cos(3 * i); });
    fill_with(step, [](double i) { return std::sin(7 * i) - 0.3; });
    return rgp;
  }
};

double linear_percentile(std::vector<double> v, double percent) {
  std::sort(v.begin(), v.end());
  const double at = percent / 100 * static_cast<double>(v.size() - 1);
  const size_t low = static_cast<size_t>(at), high = std::min(low + 1, v.size() - 1);
  return v[low] + (v[high] - v[low]) * (at - static_cast<double>(low));
}

}  // namespace

TEMPER_DEVICE_TEST("rgp: every score masks what lies below its percentile, tensor by tensor", "[trainers][cure]") {
  using Score = RgpOptions::Score;
  MaskSetup s{device};
  s.options.alpha = 0.25;
  for (const Score score : {Score::abs, Score::signed_sum, Score::abs_of_sum, Score::step_abs, Score::step_signed}) {
    s.options.score = score;
    Rgp rgp = s.made();
    const auto natural = arrays_of(rgp.natural()), robust = arrays_of(rgp.robust()), step = arrays_of(s.step);
    rgp.update(s.engine, s.step);
    const auto mask = arrays_of(*rgp.mask().buffer);
    for (size_t t = 0; t < mask.size(); ++t) {
      INFO("score " << static_cast<int>(score) << ", " << s.network->params()[static_cast<int>(t)].name);
      std::vector<double> want(mask[t].size());
      for (size_t i = 0; i < want.size(); ++i) {
        const double n = natural[t][i], r = robust[t][i], g = step[t][i], sum = 0.25 * n + 0.75 * r;
        want[i] = score == Score::abs          ? 0.25 * std::abs(n) + 0.75 * std::abs(r)
                  : score == Score::signed_sum ? sum
                  : score == Score::abs_of_sum ? std::abs(sum)
                  : score == Score::step_abs   ? std::abs(g)
                                               : g;
      }
      const bool classifier = s.network->params()[static_cast<int>(t)].name.starts_with("fc.");
      const double threshold = linear_percentile(want, 30);
      for (double& v : want) v = classifier || v >= threshold;
      CHECK(mask[t] == want);
    }
  }
}

TEMPER_DEVICE_TEST("rgp: the mask keeps the classifier and (100 - p) % of every other tensor", "[trainers][cure]") {
  MaskSetup s{device};
  for (const double percent : {10.0, 30.0, 50.0}) {
    s.options.percent = percent;
    Rgp rgp = s.made();
    rgp.update(s.engine, s.step);
    std::map<std::string, double> kept;
    rgp.metrics([&](const std::string& name, double share) { kept[name] = share; });
    CHECK(kept.count("kept/fc.weight") == 0);
    CHECK(kept.size() == 7);  // two convolutions, two BatchNorms, the total
    for (const auto& [name, share] : kept) {
      const int i = s.network->params().find(name.substr(5));
      if (i < 0) continue;
      const double n = static_cast<double>(s.network->params()[i].shape.numel());
      INFO(name);
      CHECK(share * n == Approx(n - std::ceil(percent / 100 * (n - 1))));
    }
    CHECK(kept.at("kept/total") == Approx(1 - percent / 100).margin(0.01));
  }
}

TEMPER_DEVICE_TEST("rgp: a global threshold keeps (100 - p) % of all, and unlike shares of the tensors",
                   "[trainers][cure]") {
  MaskSetup s{device};
  s.options.threshold = RgpOptions::Threshold::global;
  Rgp rgp = s.made();
  std::vector<double> loud = rgp.natural().read(0);
  for (double& v : loud) v *= 100;
  rgp.natural().write(0, loud);
  rgp.update(s.engine, s.step);
  std::map<std::string, double> kept;
  rgp.metrics([&](const std::string& name, double share) { kept[name] = share; });
  CHECK(kept.at("kept/total") == Approx(0.7).margin(0.003));
  CHECK(kept.at("kept/conv1.weight") > 0.95);
  CHECK(kept.at("kept/conv2.weight") < 0.7);
}

TEST_CASE("rgp: which parameters the mask may touch", "[cure]") {
  MaskSetup s{Device::cpu};
  ParamLayout& layout = s.network->params();
  const auto names = [&] {
    std::vector<std::string> out;
    for (const int i : maskable_parameters(layout, s.options)) out.push_back(layout[i].name);
    return out;
  };
  const std::vector<std::string> body = {"conv1.weight", "bn1.weight", "bn1.bias",
                                         "conv2.weight", "bn2.weight", "bn2.bias"};
  CHECK(names() == body);
  s.options.maskable = RgpOptions::Maskable::all;
  CHECK(names().size() == body.size() + 2);
  s.options.maskable = RgpOptions::Maskable::globs;
  s.options.globs = {"conv?.weight", "conv1.*"};
  CHECK(names() == std::vector<std::string>{"conv1.weight", "conv2.weight"});
  layout.freeze("conv2.*");
  CHECK(names() == std::vector<std::string>{"conv1.weight"});
  s.options.globs = {"layer9.*"};
  CHECK_THROWS_WITH(names(), "trainer.rgp.globs: no parameter matches 'layer9.*'");
  s.options.globs = {};
  s.options.maskable = RgpOptions::Maskable::conv1;  // the stem is the first parameter, and no block follows it
  CHECK_THROWS_WITH(names(), ContainsSubstring("trainer.rgp.maskable: expected at least one parameter") &&
                                 ContainsSubstring("name some with maskable: globs, or set percent: 0"));
  const auto resnet = test::network(s.engine, "{name: resnet18}", {});
  CHECK(maskable_parameters(resnet->params(), s.options).size() == 8);
}

TEMPER_DEVICE_TEST("rgp: momentum and decay move a masked weight, unless the gate is for all", "[trainers][cure]") {
  for (const MaskMode gate : {MaskMode::zero_gradient, MaskMode::freeze}) {
    MaskSetup s{device};
    s.options.gate = gate;
    Rgp rgp = s.made();
    ParamBuffer& params = s.network->weights().params;
    const Sgd rule({.lr = 0.1, .momentum = 0.9, .weight_decay = 0.01});
    WeightOptimizer sgd(params, rule, s.engine.stream());
    sgd.prepare(rule.lr);
    sgd.step(s.engine.stream(), s.step);  // gives everything a velocity
    rgp.update(s.engine, s.step);
    const auto before = params.read(0), velocity = sgd.state("momentum").read(0), mask = rgp.mask().buffer->read(0);
    sgd.step(s.engine.stream(), s.step, rgp.mask());
    const auto after = params.read(0), gradient = s.step.read(0);
    CHECK(std::count(mask.begin(), mask.end(), 0) > 0);
    for (size_t i = 0; i < mask.size(); ++i) {
      const double v = 0.9 * velocity[i] + mask[i] * gradient[i] + 0.01 * before[i];
      const bool still = gate == MaskMode::freeze && mask[i] == 0;
      CHECK(after[i] == Approx(still ? before[i] : before[i] - 0.1 * v).epsilon(1e-12));
    }
  }
}

TEMPER_DEVICE_TEST("revision: follows in one of five steps, by exactly its share, parameters only",
                   "[trainers][cure]") {
  MaskSetup s{device};
  for (const bool warm_up : {false, true}) {
    Revision revision(s.engine, *s.network, {.rate = 0.2, .keep = 0.999, .warm_up = warm_up});
    fill_with(revision.weights().params, [](double i) { return std::cos(i); });
    fill_with(revision.weights().buffers, [](double i) { return 2 + std::cos(i); });
    const auto statistics = arrays_of(revision.weights().buffers);
    TrainContext context{s.engine, *s.network, 1};
    std::vector<double> want = revision.weights().params.read(0);
    const std::vector<double> theta = s.network->weights().params.read(0);
    int64_t revisions = 0;
    for (context.step = 0; context.step < 2000; ++context.step) {
      revision.after_step(context);
      if (revision.revisions() == revisions) continue;
      ++revisions;
      const double t = static_cast<double>(context.step + 1), a = warm_up ? std::min(1 - 1 / (t + 1), 0.999) : 0.999;
      for (size_t i = 0; i < want.size(); ++i) want[i] = a * want[i] + (1 - a) * theta[i];
    }
    CHECK(revisions > 340);  // 400 expected, standard deviation 18
    CHECK(revisions < 460);
    const std::vector<double> got = revision.weights().params.read(0);
    for (size_t i = 0; i < want.size(); ++i) CHECK(got[i] == Approx(want[i]).epsilon(1e-11));
    CHECK(arrays_of(revision.weights().buffers) == statistics);
  }
}

TEST_CASE("revision: its rate falls as told", "[cure]") {
  using Every = RevisionOptions::DecayEvery;
  MaskSetup s{Device::cpu};
  const auto rates = [&](RevisionOptions options) {
    Revision revision(s.engine, *s.network, options);
    TrainContext context{s.engine, *s.network};
    std::vector<double> out;
    for (context.epoch = 1; context.epoch <= 3; ++context.epoch)
      for (int k = 0; k < 2; ++k, ++context.step) {
        revision.after_step(context);
        out.push_back(revision.rate(context.epoch));
      }
    return out;
  };
  CHECK(rates({.rate = 0.5}) == std::vector<double>(6, 0.5));
  CHECK(rates({.rate = 0.5, .decay_from = 2}) == std::vector<double>{0.5, 0.5, 0.25, 0.125, 0.0625, 0.03125});
  CHECK(rates({.rate = 0.5, .decay_from = 2, .decay_factor = 0.1, .decay_every = Every::epoch}) ==
        std::vector<double>{0.5, 0.5, 0.5 * std::pow(0.1, 1), 0.5 * std::pow(0.1, 1), 0.5 * std::pow(0.1, 2),
                            0.5 * std::pow(0.1, 2)});
}

TEST_CASE("percentile: refuses what it cannot rank", "[kernels]") {
  const Stream cpu{};
  CHECK_THROWS_WITH(PercentilePlan(cpu, {{0, 4, 0}}, 101), "percentile: expected a percentage from 0 to 100, got 101");
  CHECK_THROWS_WITH(PercentilePlan(cpu, {{0, 4, 1}}, 50),
                    "percentile: expected groups numbered from 0 without gaps, got 1 after 0 groups");
  CHECK_THROWS_WITH(PercentilePlan(cpu, {{0, 4, 0}, {4, 0, 1}}, 50),
                    "percentile: expected at least one value in every group, got none in group 1");
}
