// AR-AT: which branch, which side and which weight gets what. The golden runs (golden_arat_test) have the numbers.
#include <algorithm>
#include <cmath>

#include "attacks/pgd.h"
#include "core/convolution/conv.h"
#include "tests/fixtures/arat_fixture.h"
#include "tests/fixtures/devices.h"
#include "trainers/methods/parts/invariance.h"

using namespace temper;
using test::check_close;
using test::kAratAttack;
using test::largest;
using test::of_branch;
using test::read;
using test::Values;
using Setup = test::AratSetup;

namespace {

/// The invariance term alone, on the first batch and what an attack of one step makes of it.
struct TermAlone {
  Setup setup;
  Invariance invariance;
  ParamBuffer gradient, predictor_gradient;
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
  for (int i = 0; i < paper.predictor_gradient.layout().count(); ++i)
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
    Setup s(device, kAratAttack + ", balance: {rule: fixed, weight: " + weight + "}, invariance: {lambda: 0}");
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
  Setup s(device, kAratAttack + ", balance: {rule: fixed, weight: 0.25}, invariance: {lambda: 8}");
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
