// AR-AT: which branch, which side and which weight gets what. The golden runs (golden_arat_test) have the numbers.
#include <algorithm>
#include <cmath>
#include <optional>

#include "attacks/pgd.h"
#include "core/conv.h"
#include "core/ops_elementwise.h"
#include "nn/predictor.h"
#include "tests/devices.h"
#include "tests/networks.h"
#include "tests/training_fixture.h"
#include "trainers/balance.h"
#include "trainers/invariance.h"
#include "trainers/validate.h"

using namespace temper;

namespace {

using Values = std::vector<std::vector<double>>;

Values read(const Flat& flat, const std::string& glob) {
  Values out;
  for (const int i : flat.store().match(glob)) out.push_back(flat.read(i));
  return out;
}

/// The arrays of the adversarial branch, the first, have PyTorch's names; those of the other have its name in them.
Values of_branch(const Flat& flat, bool clean) {
  Values out;
  for (int i = 0; i < flat.store().count(); ++i) {
    const std::string& name = flat.store()[i].name;
    if (name.starts_with("bn") && (name.find(".clean.") != std::string::npos) == clean) out.push_back(flat.read(i));
  }
  return out;
}

double largest(const Values& v) {
  double out = 0;
  for (const auto& one : v)
    for (const double x : one) out = std::max(out, std::abs(x));
  return out;
}

void check_close(const Values& a, const Values& b) {
  REQUIRE(a.size() == b.size());
  REQUIRE(!a.empty());
  for (size_t i = 0; i < a.size(); ++i)
    for (size_t e = 0; e < a[i].size(); ++e) CHECK(a[i][e] == Approx(b[i][e]).margin(1e-6));
}

const std::string kAttack = "attack: {radius: 0.05, step: 0.02, steps: 2}";

struct Setup {
  Experiment experiment;
  TrainingState state;
  explicit Setup(Device device, const std::string& options = kAttack, std::vector<std::string> set = {})
      : experiment(test::tiny("{name: arat, " + options + "}", test::on(device, with_branches(set)))),
        state(experiment, read_splits(experiment)) {}

  static std::vector<std::string> with_branches(std::vector<std::string> set) {
    set.insert(set.begin(), "model.branches=[adv, clean]");
    return set;
  }
  Trainer& method() { return *experiment.trainer.method; }
  Weights& weights() { return state.network->weights(); }
  const Flat& gradient(size_t i = 0) const { return state.trained.at(i).gradient; }
  double first_batch() {
    const Arena::Scope scope(state.engine.arena());
    const Batch batch = state.train.load(1, 0);
    TrainContext context = logging();
    return method().gradients(context, batch, state.gradients());
  }
  TrainContext logging() {
    state.log->open();
    TrainContext context = state.context();
    context.logged = &*state.log;
    return context;
  }
  /// What was logged, of the first batch or of the epoch.
  double metric(const std::string& name) {
    for (const auto& [n, v] : state.logged(state.step_sums->read()))
      if (n == name) return v;
    return NAN;
  }
  double epoch_metric(const std::string& name) {
    TrainContext context = logging();
    method().after_epoch(context);
    return metric(name);
  }
  double live(const std::string& name) {
    double out = NAN;
    const auto find = [&](const std::string& n, double v) {
      if (n == name) out = v;
    };
    method().live_values(find, state.context());
    return out;
  }
};

/// The invariance term alone, on the first batch and what an attack of one step makes of it.
struct TermAlone {
  Setup setup;
  Invariance invariance;
  Flat gradient, predictor_gradient;
  TermAlone(Device device, InvarianceOptions::Gradient side, InvarianceOptions::Predictor predictor)
      : setup(device),
        invariance(setup.state.engine, *setup.state.network, {.gradient = side, .predictor = predictor}),
        gradient(setup.state.network->params(), DType::f32, setup.state.engine.stream()),
        predictor_gradient(invariance.predictors() ? invariance.predictors()->params() : setup.state.network->params(),
                           DType::f32, setup.state.engine.stream()) {
    const Network& network = *setup.state.network;
    const Arena::Scope scope(setup.state.engine.arena());
    const Batch batch = setup.state.train.load(1, 0);
    const Pgd pgd({.radius = 0.05, .step = 0.05, .steps = 1});
    Engine& engine = setup.state.engine;
    const Tensor x_adv = pgd.run({engine, batch, {network, Pass::eval()}, RngStream(engine.seed(), 1)}).images;
    Tape tape(setup.state.engine, Wrt::params);
    Taps clean = invariance.taps(), adversarial = invariance.taps();
    network(tape, tape.input(batch.images), {.branch = 1, .taps = &clean});
    network(tape, tape.input(x_adv), {.branch = 0, .taps = &adversarial});
    std::vector<GradientBuffer> into = {{network.weights().params, gradient}};
    if (invariance.predictors()) into.push_back({invariance.predictors()->weights().params, predictor_gradient});
    tape.backward(invariance.loss(tape, adversarial, clean), into);
  }
};

}  // namespace

TEMPER_DEVICE_TEST("arat: the invariance term stops at the clean side, and with it the clean branch's gradient",
                   "[trainers][arat]") {
  using Gradient = InvarianceOptions::Gradient;
  using Predictor = InvarianceOptions::Predictor;
  const TermAlone paper(device, Gradient::adversarial, Predictor::adversarial);
  CHECK(largest(of_branch(paper.gradient, true)) == 0);
  CHECK(largest(of_branch(paper.gradient, false)) > 1e-4);
  CHECK(largest(read(paper.gradient, "conv1.weight")) > 1e-4);
  for (int i = 0; i < paper.predictor_gradient.store().count(); ++i)
    CHECK(largest({paper.predictor_gradient.read(i)}) > 0);

  const TermAlone clean(device, Gradient::clean, Predictor::clean);
  CHECK(largest(of_branch(clean.gradient, false)) == 0);
  CHECK(largest(of_branch(clean.gradient, true)) > 1e-4);
  const TermAlone stopped(device, Gradient::adversarial, Predictor::clean);
  CHECK(largest({stopped.predictor_gradient.read(0)}) > 1e-4);  // the stop is before the predictor
  CHECK(largest(of_branch(stopped.gradient, true)) == 0);

  // Without a predictor the two stopped halves are half of the symmetric gradient each.
  const TermAlone symmetric(device, Gradient::symmetric, Predictor::none),
      both(device, Gradient::both, Predictor::none);
  CHECK_FALSE(symmetric.invariance.predictors());
  for (const char* name : {"conv1.weight", "bn2.weight", "bn2.clean.weight"}) {
    const std::vector<double> whole = read(symmetric.gradient, name).at(0), half = read(both.gradient, name).at(0);
    CHECK(largest({whole}) > 1e-5);
    for (size_t e = 0; e < whole.size(); ++e) CHECK(half[e] == Approx(whole[e] / 2).margin(1e-7));
  }
}

TEMPER_DEVICE_TEST("arat: a pass through one branch leaves the other's parameters and statistics alone",
                   "[trainers][arat]") {
  Setup s(device);
  const auto pass = [&](int branch) {
    const Arena::Scope scope(s.state.engine.arena());
    const Batch batch = s.state.train.load(1, 0);
    Tape tape(s.state.engine, Wrt::params);
    const Var logits = (*s.state.network)(tape, tape.input(batch.images), {.branch = branch});
    tape.backward(cross_entropy(tape, logits, batch.labels), s.state.gradients().front().into);
  };
  for (const int branch : {0, 1}) {
    const bool clean = branch == 1;
    const Values own = of_branch(s.weights().buffers, clean), other = of_branch(s.weights().buffers, !clean);
    pass(branch);
    CHECK(of_branch(s.weights().buffers, !clean) == other);
    CHECK(of_branch(s.weights().buffers, clean) != own);
    CHECK(largest(of_branch(s.gradient(), !clean)) == 0);
    CHECK(largest(of_branch(s.gradient(), clean)) > 1e-4);
  }
}

TEMPER_DEVICE_TEST("arat: shared weights gather gradient from both branches", "[trainers][arat]") {
  const auto gradients = [&](const std::string& weight) {
    Setup s(device, kAttack + ", balance: {rule: fixed, weight: " + weight + "}, invariance: {lambda: 0}");
    s.first_batch();
    return std::pair{read(s.gradient(), "*conv*.weight"), read(s.gradient(), "fc.*")};
  };
  const auto adversarial = gradients("1"), clean = gradients("0"), mixed = gradients("0.25");
  CHECK(adversarial.first != clean.first);
  const auto blend = [&](Values a, const Values& b) {
    for (size_t i = 0; i < a.size(); ++i)
      for (size_t e = 0; e < a[i].size(); ++e) a[i][e] = 0.25 * a[i][e] + 0.75 * b[i][e];
    return a;
  };
  check_close(mixed.first, blend(adversarial.first, clean.first));
  check_close(mixed.second, blend(adversarial.second, clean.second));
}

TEMPER_DEVICE_TEST("arat: a step trains both BatchNorm sets and the predictors, and reports its terms",
                   "[trainers][arat]") {
  Setup s(device, kAttack + ", balance: {rule: fixed, weight: 0.25}, invariance: {lambda: 8}");
  const double loss = s.first_batch();
  CHECK(largest(of_branch(s.gradient(), false)) > 1e-4);
  CHECK(largest(of_branch(s.gradient(), true)) > 1e-4);
  REQUIRE(s.state.trained.size() == 2);
  CHECK(s.state.trained[1].name == "optimizer.predictors");
  const Values predictors = read(s.gradient(1), "*");
  CHECK(predictors.size() == 10);  // two of Linear, BatchNorm and Linear
  for (const auto& one : predictors) CHECK(largest({one}) > 0);
  CHECK(loss == Approx(0.25 * s.metric("adversarial_loss") + 0.75 * s.metric("clean_loss") + 8 * s.metric("invariance"))
                    .epsilon(1e-5));
}

TEMPER_DEVICE_TEST("arat: a step updates the adversarial statistics 11 times, the clean ones once",
                   "[trainers][arat]") {
  // With radius 0 every forward of a branch sees the same images.
  Setup s(device, "attack: {radius: 0, start: none}");
  s.first_batch();
  const auto after = [&](int branch, int updates) {
    Setup fresh(device);
    for (int i = 0; i < updates; ++i) {
      const Arena::Scope scope(fresh.state.engine.arena());
      const Batch batch = fresh.state.train.load(1, 0);
      fresh.state.network->predict(fresh.state.engine, batch.images, {.branch = branch});
    }
    return of_branch(fresh.weights().buffers, branch == 1);
  };
  check_close(of_branch(s.weights().buffers, false), after(0, 11));
  check_close(of_branch(s.weights().buffers, true), after(1, 1));
  CHECK(after(0, 11) != after(0, 10));
}

TEMPER_DEVICE_TEST("arat: a step with bf16 activations has nearly the loss and gradient of one with f32",
                   "[trainers][arat]") {
  if (device == Device::cpu && !make_cpu_conv()->supports(DType::bf16))
    TEMPER_SKIP_ON_HOST("no bf16 convolutions for this processor");
  const auto step = [&](const std::string& compute) {
    Setup s(device, "attack: {radius: 0, start: none, steps: 1}", {"precision.compute=" + compute});
    const double loss = s.first_batch();
    return std::pair{loss, read(s.gradient(1), "bn2.relu.3.bias").at(0)};
  };
  const auto f32 = step("f32"), bf16 = step("bf16");
  CHECK(bf16.first == Approx(f32.first).epsilon(0.03));
  CHECK(bf16.second != f32.second);
  const double scale = largest({f32.second});
  for (size_t e = 0; e < f32.second.size(); ++e) CHECK(std::abs(bf16.second[e] - f32.second[e]) < 0.2 * scale);
}

TEMPER_DEVICE_TEST("arat: bn: shared sends everything through one set", "[trainers][arat]") {
  Setup s(device, "attack: {radius: 0, start: none}, bn: shared", {"model.branches=[main]"});
  s.first_batch();
  Setup fresh(device, "bn: shared", {"model.branches=[main]"});
  for (int i = 0; i < 12; ++i) {
    const Arena::Scope scope(fresh.state.engine.arena());
    fresh.state.network->predict(fresh.state.engine, fresh.state.train.load(1, 0).images, Pass::train());
  }
  check_close(read(s.weights().buffers, "*"), read(fresh.weights().buffers, "*"));
}

TEMPER_DEVICE_TEST("arat: the weight is the clean branch's accuracy on the first images of the epoch",
                   "[trainers][arat]") {
  const auto expected = [&](Setup& s, int64_t batches) {
    int64_t right = 0;
    for (int64_t b = 0; b < batches; ++b) {
      const Arena::Scope scope(s.state.engine.arena());
      const Batch batch = s.state.train.load(1, b);
      Pass pass = Pass::eval();
      pass.branch = 1;
      right +=
          count_correct(s.state.engine, s.state.network->predict(s.state.engine, batch.images, pass), batch.labels);
    }
    return static_cast<double>(right) / static_cast<double>(8 * batches);
  };
  // Of the clean ones, by `clean`: the code's power, or what the adversarial ones leave.
  const auto weight = [&](const std::string& balance, int64_t batches, double exponent,
                          Balance::Clean clean = Balance::Clean::power) {
    Setup s(device, kAttack + ", balance: {" + balance + "}");
    s.weights().params.write(s.weights().params.store().find("bn2.clean.bias"), {1, -1, 2, 0, 1, 0, -2, 1});
    s.weights().params.touch();
    TrainContext context = s.state.context();
    s.method().before_epoch(context);
    const double a = expected(s, batches), w = std::pow(a, exponent);
    CHECK(s.epoch_metric("adversarial_weight") == Approx(w).epsilon(1e-12));
    CHECK(s.metric("clean_weight") ==
          Approx(clean == Balance::Clean::power ? std::pow(1 - a, exponent) : 1 - w).epsilon(1e-12));
    CHECK(s.live("clean_weight") == Approx(s.metric("clean_weight")).epsilon(1e-7));
    return s.metric("adversarial_weight");
  };
  CHECK(weight("images: 1000", 6, 1) > 0);  // all 48
  weight("images: 17", 3, 1);               // whole batches of 8
  weight("images: 16", 2, 1);
  weight("exponent: 2", 6, 2);
  weight("exponent: 2, clean: complement", 6, 2, Balance::Clean::complement);
  Setup fixed(device, "balance: {rule: fixed, weight: 0.3}");
  TrainContext context = fixed.state.context();
  fixed.method().before_epoch(context);
  CHECK(fixed.epoch_metric("adversarial_weight") == 0.3);
  CHECK(fixed.metric("clean_weight") == 0.7);
  Setup given(device, "balance: {rule: fixed, weight: 1, clean: given}");  // the code's, without automatic weights
  CHECK(given.live("adversarial_weight") == 1);
  CHECK(given.live("clean_weight") == 1);
}

TEMPER_DEVICE_TEST("arat: noise_alias trains on the noisy batch, otherwise the batch is left alone",
                   "[trainers][arat]") {
  const std::string attack = "attack: {radius: 0.1, step: 0.03, steps: 2}";
  const auto clean_statistics = [&](const std::string& alias) {
    Setup s(device, attack + ", noise_alias: " + alias);
    const Arena::Scope scope(s.state.engine.arena());
    const Batch batch = s.state.train.load(1, 0);
    const std::vector<float> before = test::values_of<float>(s.state.engine, batch.images);
    TrainContext context = s.state.context();
    s.method().gradients(context, batch, s.state.gradients());
    CHECK(test::values_of<float>(s.state.engine, batch.images) == before);
    return of_branch(s.weights().buffers, true);
  };
  const auto statistics_of = [&](bool noisy) {
    Setup s(device);
    const Arena::Scope scope(s.state.engine.arena());
    Batch batch = s.state.train.load(1, 0);
    const Tensor start = s.state.engine.arena().tensor(batch.images.shape, batch.images.dtype);
    Pgd({.radius = 0.1, .start = Pgd::Start::uniform_unclipped})
        .start_at(s.state.engine, batch, RngStream(s.state.engine.seed(), 1), start);
    if (noisy) batch.images = start;
    s.state.network->predict(s.state.engine, batch.images, {.branch = 1});
    return of_branch(s.weights().buffers, true);
  };
  CHECK(clean_statistics("false") == statistics_of(false));
  CHECK(clean_statistics("true") == statistics_of(true));
  CHECK(statistics_of(true) != statistics_of(false));
}

TEMPER_DEVICE_TEST("arat: noise_alias centres the ball on the noisy batch", "[trainers][arat]") {
  // Two radii away at most, and further than one somewhere; with the switch off never further than one.
  const auto furthest = [&](const std::string& alias) {
    Experiment e = test::tiny("{name: arat, attack: {radius: 0.1, step: 0.1, steps: 3}, noise_alias: " + alias + "}",
                              test::on(device, {"model.branches=[adv, clean]"}));
    TrainingState state(e, read_splits(e));
    const Arena::Scope scope(state.engine.arena());
    const Batch batch = state.train.load(1, 0);
    TrainContext context = state.context();
    const Tensor x = e.trainer.method->estimation_images(context, batch, {state.network->weights()});
    return test::largest_difference(test::numbers_of(state.engine, x), test::numbers_of(state.engine, batch.images));
  };
  CHECK(furthest("false") == Approx(0.1).margin(1e-6));
  CHECK(furthest("true") > 0.15);
  CHECK(furthest("true") < 0.2 + 1e-6);
}

TEMPER_DEVICE_TEST("arat: evaluation uses the adversarial branch, wherever it stands in model.branches",
                   "[trainers][arat]") {
  for (const std::string branches : {"[adv, clean]", "[clean, adv]"}) {
    Setup s(device, kAttack, {"model.branches=" + branches});
    test::Recorder r;
    const auto fill = [&](int branch, double value) {
      const std::string name = branch == 0 ? "bn2" : branches == "[adv, clean]" ? "bn2.clean" : "bn2.adv";
      Flat& p = s.weights().params;
      for (const char* what : {".weight", ".bias"}) p.write(p.store().find(name + what), std::vector<double>(8, value));
    };
    for (int i = 0; i < 30; ++i) {  // something to lose
      s.first_batch();
      for (Trained& t : s.state.trained) {
        t.optimizer.prepare(0.05);
        t.optimizer.step(s.state.engine.stream(), t.gradient);
      }
    }
    const int adversarial = s.state.network->branch("adv");
    CHECK(s.method().eval_branch(*s.state.network) == adversarial);
    const ValidationReport before = validate(s.state, nullptr, r);
    CHECK(before.clean > 40);
    fill(1 - adversarial, 0);
    CHECK(validate(s.state, nullptr, r).clean == before.clean);
    CHECK(s.epoch_metric("clean_branch_accuracy") < 40);  // all images look alike to the clean branch now
    fill(adversarial, 0);
    CHECK(validate(s.state, nullptr, r).clean < 40);
  }
}

TEMPER_DEVICE_TEST("arat: averaged weights get adversarial statistics, estimated on adversarial images",
                   "[trainers][arat]") {
  Setup s(device, kAttack, {"swa.start=1", "loop.batch_size=20"});  // 48 images: batches of 20, 20 and 8
  Average& average = *s.state.swa;
  average.add(s.state.engine, *s.state.network, 0, AverageBn::estimate);
  const Values clean_before = of_branch(s.weights().buffers, true);
  // Another network's attack would find other images: the average is not the network.
  s.weights().params.write(0, std::vector<double>(s.weights().params.store()[0].shape.numel(), 0.01));
  std::vector<double> want(4, 0.0);
  Weights& w = average.weights();
  const Pass in_attack{.update = BnUpdate::no, .weights = &w};
  const Pgd pgd({.radius = 0.05,
                 .step = 0.02,
                 .steps = 2,
                 .start = PgdOptions::Start::uniform_unclipped,
                 .gradient = PgdOptions::Gradient::pytorch});
  const int mean = w.buffers.store().find("bn1.running_mean");
  for (int64_t b = 0; b < 3; ++b) {
    const Arena::Scope scope(s.state.engine.arena());
    const Batch batch = s.state.train.load(1, b);
    const RngStream random(s.state.engine.seed(), 1);
    const Tensor x = pgd.run({s.state.engine, batch, {*s.state.network, in_attack}, random}).images;
    s.state.network->predict(s.state.engine, x, {.momentum = 1, .weights = &w});
    const std::vector<double> one = w.buffers.read(mean);
    for (int c = 0; c < 4; ++c) want[c] += one[c] * static_cast<double>(batch.size()) / 48;
  }
  refresh_bn(s.state, average, AverageBn::estimate);
  const std::vector<double> got = w.buffers.read(mean);
  for (int c = 0; c < 4; ++c) CHECK(got[c] == Approx(want[c]).epsilon(1e-5));
  CHECK(of_branch(w.buffers, true) == clean_before);
}

TEST_CASE("arat: each network has its layers", "[arat]") {
  Engine engine({.arena_mb = 512});
  const auto layers = [&](const std::string& model, const std::vector<std::string>& wanted = {}) {
    const auto network = test::network(engine, model, {.data = {.height = 8, .width = 8}});
    return Invariance(engine, *network, {.layers = wanted, .predictor = InvarianceOptions::Predictor::none}).layers();
  };
  using Names = std::vector<std::string>;
  CHECK(layers("{name: resnet18}") == Names{"layer4.0.bn1.relu", "layer4.1.bn1.relu", "layer4.0.bn2", "layer4.1.bn2"});
  const Names wide = layers("{name: wide_resnet, depth: 34, width: 1}");
  CHECK(wide.size() == 11);
  CHECK(wide.front() == "block3.layer.0.bn1.relu");
  CHECK(wide.back() == "features");
  CHECK(layers("{name: small_resnet}") == Names{"layer3.0.bn1.relu", "layer3.0.bn2"});
  CHECK(layers("{name: small_cnn}") == Names{"bn4.relu", "bn5.relu"});
  CHECK(layers("{name: small_cnn}", {"bn?.relu"}).size() == 5);
  CHECK(layers("{name: small_cnn}", {"bn1", "bn1*", "features"}) == Names{"bn1", "bn1.relu", "features"});
  CHECK_THROWS_WITH(layers("{name: small_cnn}", {"bn5.rellu"}),
                    ContainsSubstring("invariance.layers: no layer of this network is called 'bn5.rellu'; did you mean "
                                      "'bn5.relu'? (known: conv1, bn1, bn1.relu, conv2"));
}

TEMPER_DEVICE_TEST("arat: features are averaged over the image after ReLU", "[trainers][arat]") {
  // `bn2` before and `bn2.relu` after the ReLU are the same features then.
  const auto loss = [&](const std::string& layer) {
    Setup s(device, kAttack + ", balance: {rule: fixed}, invariance: {predictor: none, layers: [" + layer + "]}");
    s.first_batch();
    return std::pair{s.metric("invariance"), s.gradient().read(0)};
  };
  const auto before = loss("bn2"), after = loss("bn2.relu"), pooled = loss("features");
  CHECK(before.first == Approx(after.first).epsilon(1e-6));
  CHECK(pooled.first == after.first);  // the network's own pooling of the same
  for (size_t e = 0; e < before.second.size(); ++e) CHECK(before.second[e] == Approx(after.second[e]).margin(1e-6));
}

TEST_CASE("arat: predictors start as PyTorch's layers do, unlike the network", "[arat]") {
  Engine engine({.arena_mb = 16});
  const Predictors predictors(engine, {{"a", 64}, {"b", 2}}, DType::f32, 7);
  const ParamStore& p = predictors.params();
  CHECK(p[0].name == "a.0.weight");
  CHECK(p[0].shape == Shape{16, 64});
  CHECK(p.find("a.0.bias") < 0);
  CHECK(p.find("a.3.bias") >= 0);
  CHECK(p[p.find("b.0.weight")].shape == Shape{1, 2});
  CHECK(predictors.buffers().find("a.1.running_var") >= 0);
  const double most = largest({predictors.weights().params.read(0)});
  CHECK(most <= 0.125);  // 1 / sqrt(64)
  CHECK(most > 0.12);
}

TEST_CASE("arat: wrong options say what is expected", "[arat]") {
  const auto with = [](const std::string& options) { return [=] { Setup s(Device::cpu, options); }; };
  CHECK_THROWS_WITH(test::tiny("{name: arat, ivariance: {}}"), ContainsSubstring("did you mean 'invariance'?"));
  Experiment single = test::tiny("{name: arat}");
  CHECK_THROWS_WITH(
      TrainingState(single, read_splits(single)),
      "arat: expected BatchNorm branches 'adv' and 'clean' because adversarial and clean images are to have "
      "statistics of their own, got [main]; set model.branches: [adv, clean], or trainer.bn: shared");
  Setup s(Device::cpu);
  TrainContext embedded{.engine = s.state.engine, .model = *s.state.network};
  CHECK_THROWS_WITH(s.method().before_epoch(embedded),
                    "balance: rule auto measures accuracy on training images, so the context must have them; set "
                    "TrainContext::train, or balance.rule: fixed");
  CHECK_THROWS_WITH(with("invariance: {layers: [bn3]}")(),
                    ContainsSubstring("invariance.layers: no layer of this network is called 'bn3'; did you mean 'bn"));
  CHECK_THROWS_WITH(with("invariance: {lambda: -1}")(),
                    ContainsSubstring("trainer.invariance.lambda: expected 0 or more, got -1"));
  CHECK_THROWS_WITH(with("invariance: {temperature: 0}")(),
                    ContainsSubstring("trainer.invariance.temperature: expected more than 0, got 0"));
  CHECK_THROWS_WITH(with("balance: {weight: 1.5}")(),
                    ContainsSubstring("trainer.balance.weight: expected 0 to 1, got 1.5"));
  CHECK_THROWS_WITH(with("balance: {exponent: 0}")(),
                    ContainsSubstring("trainer.balance.exponent: expected more than 0, got 0"));
  CHECK_THROWS_WITH(with("balance: {clean_weight: -1}")(),
                    ContainsSubstring("trainer.balance.clean_weight: expected 0 or more, got -1"));
  CHECK_THROWS_WITH(with("balance: {images: 0}")(),
                    ContainsSubstring("trainer.balance.images: expected 1 or more, got 0"));
}
