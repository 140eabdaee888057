// AR-AT's weights, noise, averages and networks.
#include <algorithm>
#include <cmath>

#include "attacks/pgd.h"
#include "nn/predictor.h"
#include "tests/fixtures/arat_fixture.h"
#include "tests/fixtures/devices.h"
#include "tests/fixtures/networks.h"
#include "trainers/loop/validate.h"
#include "trainers/methods/parts/balance.h"
#include "trainers/methods/parts/invariance.h"

using namespace temper;
using test::kAratAttack;
using test::largest;
using test::of_branch;
using test::Values;
using Setup = test::AratSetup;

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
    Setup s(device, kAratAttack + ", balance: {" + balance + "}");
    s.weights().params.write(s.weights().params.layout().find("bn2.clean.bias"), {1, -1, 2, 0, 1, 0, -2, 1});
    s.weights().params.bump_version();
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
    Setup s(device, kAratAttack, {"model.branches=" + branches});
    test::Recorder r;
    const auto fill = [&](int branch, double value) {
      const std::string name = branch == 0 ? "bn2" : branches == "[adv, clean]" ? "bn2.clean" : "bn2.adv";
      ParamBuffer& p = s.weights().params;
      for (const char* what : {".weight", ".bias"})
        p.write(p.layout().find(name + what), std::vector<double>(8, value));
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
  Setup s(device, kAratAttack, {"swa.start=1", "loop.batch_size=20"});  // 48 images: batches of 20, 20 and 8
  Average& average = *s.state.swa;
  average.add(s.state.engine, *s.state.network, 0, AverageBn::estimate);
  const Values clean_before = of_branch(s.weights().buffers, true);
  // Another network's attack would find other images: the average is not the network.
  s.weights().params.write(0, std::vector<double>(s.weights().params.layout()[0].shape.numel(), 0.01));
  std::vector<double> want(4, 0.0);
  Weights& w = average.weights();
  const Pass in_attack{.update = BnUpdate::no, .weights = &w};
  const Pgd pgd({.radius = 0.05,
                 .step = 0.02,
                 .steps = 2,
                 .start = PgdOptions::Start::uniform_unclipped,
                 .gradient = PgdOptions::Gradient::pytorch});
  const int mean = w.buffers.layout().find("bn1.running_mean");
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
    Setup s(device, kAratAttack + ", balance: {rule: fixed}, invariance: {predictor: none, layers: [" + layer + "]}");
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
  const ParamLayout& p = predictors.params();
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
