// f16 without anybody choosing a loss scale.
#include "trainers/optimizers/loss_scaler.h"

#include <algorithm>
#include <cmath>

#include "attacks/pgd.h"
#include "evaluation/robust_accuracy.h"
#include "tests/fixtures/devices.h"
#include "tests/fixtures/fake_recorder.h"
#include "tests/fixtures/tensors.h"
#include "tests/fixtures/training_fixture.h"
#include "trainers/loop/validate.h"
#include "trainers/state/checkpoint.h"

using namespace temper;

namespace {

std::vector<std::string> f16(Device device, std::vector<std::string> more = {}) {
  more.push_back("precision.compute=f16");
  return test::on(device, more);
}

/// The logits' and, as far as they depend on it, the image gradients' size.
void scale_logits(Network& network, double factor) {
  ParamBuffer& params = network.weights().params;
  for (const char* name : {"fc.weight", "fc.bias"}) {
    const int i = params.layout().find(name);
    std::vector<double> values = params.read(i);
    for (double& v : values) v *= factor;
    params.write(i, values);
  }
  params.bump_version();
}

/// A few steps of training in f32, which leave a network that is right about most images.
void train_a_little(Network& network) {
  Experiment e = test::tiny("{name: standard}");
  TrainingState state(e, read_splits(e));
  for (int i = 0; i < 6; ++i) train_step(state, "none");
  for (auto [to, from] : {std::pair{&network.weights().params, &state.network->weights().params},
                          {&network.weights().buffers, &state.network->weights().buffers}})
    for (int i = 0; i < to->layout().count(); ++i) to->write(i, from->read(i));
}

struct Attacked {
  std::vector<bool> right;
  int64_t zero_gradient;
};
Attacked attacked(Device device, const std::string& compute, double logits, int64_t batch_size = 7) {
  Experiment e = test::tiny(test::kPgdAt, test::on(device, {"precision.compute=" + compute, "threads=2"}));
  TrainingState state(e, read_splits(e));
  train_a_little(*state.network);
  scale_logits(*state.network, logits);
  Loader loader(state.engine, e.data.reader->train(), {.batch_size = batch_size});
  const Pgd pgd({.radius = 0.06, .step = 0.02, .steps = 5});
  const Accuracy a = evaluate(state.engine, *state.network, Pass::eval(), loader, &pgd);
  return {{a.right.begin(), a.right.end()}, a.zero_gradient};
}

int64_t differing(const Attacked& a, const Attacked& b) {
  int64_t n = 0;
  for (size_t i = 0; i < a.right.size(); ++i) n += a.right[i] != b.right[i];
  return n;
}

}  // namespace

TEMPER_DEVICE_TEST("f16: an evaluation agrees with f32, whatever the size of gradients", "[evaluation][f16]") {
  for (const double logits : {1.0, 1e4, 1e-3}) {
    CAPTURE(logits);
    const Attacked wide = attacked(device, "f32", logits), narrow = attacked(device, "f16", logits);
    CHECK(std::count(wide.right.begin(), wide.right.end(), true) > 6);
    CHECK(std::count(wide.right.begin(), wide.right.end(), false) > 6);
    CHECK(differing(wide, narrow) <= 2);
    CHECK(narrow.zero_gradient == 0);
  }
}

TEST_CASE("f16: an image's loss scale is its own, so results do not depend on the batch", "[evaluation][f16]") {
  for (const double logits : {1.0, 1e4}) {
    const Attacked whole = attacked(Device::cpu, "f16", logits, 60);
    for (const int64_t batch : {1, 7}) CHECK(differing(whole, attacked(Device::cpu, "f16", logits, batch)) == 0);
  }
}

TEMPER_DEVICE_TEST("f16: a step whose gradient left the range is left out, and the scale falls", "[trainers][f16]") {
  const auto method = GENERATE(
      from_range(std::vector<test::MethodSetting>{{"{name: standard}", {"ema.decay=0.9"}},
                                                  {test::kPgdAt, {}},
                                                  {"{name: cure, attack: {radius: 0.05, step: 0.02, steps: 2}, "
                                                   "revision: {rate: 0.5, kind: alias}}",
                                                   {"ema.decay=0.9"}}}));
  INFO(method.first);
  Experiment e = test::tiny(method.first, f16(device, method.second));
  TrainingState state(e, read_splits(e));
  TrainContext context = state.context();
  e.trainer.method->before_epoch(context);
  scale_logits(*state.network, 1e4);
  const auto kept = [&] {
    std::vector<std::vector<std::vector<double>>> all = {test::arrays_of(state.network->weights().params)};
    for (Trained& t : state.trained) all.push_back(test::arrays_of(t.optimizer.state("momentum")));
    if (state.ema) all.push_back(test::arrays_of(state.ema->weights().params));
    return all;
  };
  const auto before = kept();
  double scale = std::ldexp(1.0, LossScaler::kFirst);
  StepNumbers n = train_step(state, "none");
  REQUIRE(n.skipped_at == scale);
  int skipped = 0;
  for (; n.skipped_at > 0; n = train_step(state, "none"), ++skipped) {
    REQUIRE(skipped < 30);
    CHECK(n.skipped_at == scale);
    CHECK(state.loss_scaler.scale() == (scale /= 2));
    CHECK(kept() == before);
    state.progress.step = 0;
  }
  CHECK(skipped > 1);
  CHECK(std::isfinite(n.grad_norm));
  CHECK(kept() != before);
}

TEST_CASE("f16: every step that is left out is told", "[trainers][f16]") {
  const test::TemporaryFolder folder;
  test::Recorder told;
  // A rate that makes logits large at once.
  Experiment e = test::tiny(test::kPgdAt, f16(Device::cpu, {"optimizer.lr=40", "loop.epochs=1", "loop.collapse=0"}));
  run_training(e, {folder.path()}, told, Resume::no);
  std::vector<std::string> skips;
  for (const std::string& w : told.warnings)
    if (w.find("was skipped") != std::string::npos) skips.push_back(w);
  REQUIRE(!skips.empty());
  CHECK_THAT(skips[0], ContainsSubstring("of epoch 1 was skipped, because with a loss scale of 65536 a gradient "
                                         "overflowed f16; the scale is 32768 from here on"));
}

TEST_CASE("f16: the loss scale is kept in checkpoints, where it is chosen", "[resume][f16]") {
  const auto metadata = [](const std::vector<std::string>& set, int halves) {
    Experiment e = test::tiny("{name: standard}", set);
    TrainingState state(e, read_splits(e));
    for (int i = 0; i < halves; ++i) REQUIRE(state.loss_scaler.halve());
    state.loss_scaler.kept();
    const Safetensors content = collect([&](StateVisitor& v) { state.visit(v); });
    Experiment again = test::tiny("{name: standard}", set);
    TrainingState resumed(again, read_splits(again));
    restore(content, "c", [&](StateVisitor& v) { resumed.visit(v); });
    CHECK(resumed.loss_scaler.scale() == state.loss_scaler.scale());
    return content.metadata;
  };
  const auto chosen = metadata(f16(Device::cpu), 3);
  CHECK(chosen.at("loss_scale.exponent") == "13");
  CHECK(chosen.at("loss_scale.good_steps") == "1");
  CHECK(metadata(f16(Device::cpu, {"precision.loss_scale=256"}), 0).count("loss_scale.exponent") == 0);
  CHECK(metadata({}, 0).count("loss_scale.exponent") == 0);
}

TEST_CASE("f16: a recorded step finds the loss scale of the day", "[step_graph][f16]") {
  Experiment e = test::tiny(test::kPgdAt, f16(Device::cpu));
  TrainingState state(e, read_splits(e));
  const auto launches = [&] {
    test::Launches list;
    state.graph.emplace(state.engine, GraphUse::on, std::make_unique<test::ListingRecorder>(list));
    for (int i = 0; i < 2; ++i) train_step(state, "none");
    return list;
  };
  const test::Launches before = launches();
  CHECK(state.loss_scaler.halve());
  CHECK(before.size() > 20);
  CHECK(test::difference(before, launches()) == "");
}

TEST_CASE("f16: the loss scale doubles after 2000 good steps, and has its limits", "[f16]") {
  Engine engine({.compute = DType::f16, .loss_scale = 0, .arena_mb = 1});
  LossScaler scaler(engine);
  CHECK(scaler.scale() == 65536);
  const auto good = [&](int64_t steps) {
    for (int64_t i = 0; i < steps; ++i) scaler.kept();
  };
  good(1999);
  CHECK(scaler.scale() == 65536);
  CHECK(scaler.halve());
  good(1999);
  CHECK(scaler.scale() == 32768);
  good(1);
  CHECK(scaler.scale() == 65536);
  scaler.set();
  CHECK(scaler.scales()->params->up.now() * scaler.scales()->params->down.now() == 1);
  CHECK(scaler.scales()->inputs->up.now() == 1024);
  good(20 * LossScaler::kGoodSteps);
  CHECK(scaler.scale() == std::ldexp(1.0, LossScaler::kHighest));
  while (scaler.halve()) {
  }
  CHECK(scaler.scale() == std::ldexp(1.0, LossScaler::kLowest));
  Engine fixed({.compute = DType::f16, .loss_scale = 256, .arena_mb = 1});
  CHECK_FALSE(LossScaler(fixed).halve());
}
