// Attacks on networks that give no gradient, or hide it behind the size of their logits.
#include "attacks/gradient_watch.h"
#include "attacks/pgd.h"
#include "core/host.h"
#include "core/ops/elementwise.h"
#include "evaluation/robust_accuracy.h"
#include "kernels/gradient_notes/gradient_notes.h"
#include "kernels/runtime/memory.h"
#include "tests/fixtures/devices.h"
#include "tests/fixtures/toy_net.h"
#include "tests/fixtures/training_fixture.h"
#include "trainers/loop/validate.h"
#include "workflows/report/parts.h"

using namespace temper;
using test::ToyBatch;
using test::ToyNet;
using test::values_of;

namespace {

constexpr int64_t kImages = 6;

EngineOptions options(Device device) {
  return {.device = device, .arena_mb = 64, .reference_conv = device == Device::cpu};
}

/// A toy network with its logits times `factor`, and images that it labels itself: it is sure of every one.
struct Sure {
  Engine engine;
  ToyNet net{engine};
  ToyBatch toy{engine, kImages};
  float factor;

  Sure(Device device, float factor_) : engine(options(device)), factor(factor_) {
    toy.batch.labels = test::labels_of(engine, answers(toy.batch.images));
    toy.batch.notes = blank_notes(engine, kImages);
  }
  Classifier classifier() const {
    return [this](Tape& t, const Var& x) { return scale(t, net(t, x, false), factor); };
  }
  std::vector<int32_t> answers(const Tensor& images) {
    Tape tape(engine, Wrt::nothing);
    return predictions(engine, classifier()(tape, {images}).value);
  }
  Tensor attacked(const Pgd& attack) {
    return attack.run({engine, toy.batch, classifier(), RngStream(engine.seed())}).images;
  }
  int64_t fooled(const Pgd& attack) {
    const std::vector<int32_t> before = answers(toy.batch.images), after = answers(attacked(attack));
    int64_t count = 0;
    for (size_t i = 0; i < before.size(); ++i) count += before[i] != after[i];
    return count;
  }
  std::vector<int32_t> notes() { return host_indices(engine, toy.batch.notes); }
};

const PgdOptions kStrong{.radius = 0.5, .step = 0.1, .steps = 10, .start = PgdOptions::Start::none};

PgdOptions with(PgdOptions o, Norm norm, PgdOptions::Gradient gradient) {
  o.norm = norm;
  o.gradient = gradient;
  if (norm == Norm::l2) o.radius *= 8, o.step *= 8;
  return o;
}

}  // namespace

TEMPER_DEVICE_TEST("the size of a network's logits does not hide it from attacks", "[attacks]") {
  Sure plain(device, 1), large(device, 1e6f);
  for (const Norm norm : {Norm::linf, Norm::l2}) {
    const Pgd unsaturated(with(kStrong, norm, Pgd::Gradient::unsaturated)),
        pytorch(with(kStrong, norm, Pgd::Gradient::pytorch));
    INFO(unsaturated.describe());
    CHECK(plain.fooled(unsaturated) > 0);
    CHECK(large.fooled(unsaturated) > 0);
    CHECK(large.notes() == std::vector<int32_t>(kImages, 0));
    CHECK(large.fooled(pytorch) == 0);
    CHECK(large.notes() == std::vector<int32_t>(kImages, kZeroGradient));
    set_zero(large.engine.stream(), large.toy.batch.notes.data, large.toy.batch.notes.bytes());
  }
}

TEMPER_DEVICE_TEST("both forms of the gradient attack alike where it does not vanish", "[attacks]") {
  Sure plain(device, 1);
  for (const Norm norm : {Norm::linf, Norm::l2})
    CHECK(plain.fooled(Pgd(with(kStrong, norm, Pgd::Gradient::unsaturated))) ==
          plain.fooled(Pgd(with(kStrong, norm, Pgd::Gradient::pytorch))));
}

TEMPER_DEVICE_TEST("an attack without notes adds to the engine's tally, in slices too", "[attacks]") {
  Sure large(device, 1e6f);
  const Pgd pytorch(with(kStrong, Norm::linf, Pgd::Gradient::pytorch));
  Batch batch = large.toy.batch;
  batch.notes = {};
  const RngStream random(large.engine.seed());
  pytorch.run({large.engine, batch, large.classifier(), random});
  CHECK(host_indices(large.engine, large.engine.attack_tally()) == std::vector<int32_t>{kImages, kImages, 0});
  pytorch.run({large.engine, batch, large.classifier().at_a_time(4), random});
  CHECK(host_indices(large.engine, large.engine.attack_tally()) == std::vector<int32_t>{2 * kImages, 2 * kImages, 0});
}

TEMPER_DEVICE_TEST("a network that gives no gradient is found out by evaluation, validation and training",
                   "[attacks][evaluation][trainers]") {
  Experiment e = test::tiny(test::kPgdAt, test::on(device));
  TrainingState state(e, read_splits(e));
  ParamBuffer& params = state.network->weights().params;
  const int head = params.layout().find("fc.weight");
  params.write(head, std::vector<double>(params.read(head).size(), 0.0));
  Loader loader(state.engine, e.data.reader->train(), {.batch_size = 7});
  const std::unique_ptr<Attack> attack = Registry<Attack>::instance().make("pgd");
  const Accuracy a = evaluate(state.engine, *state.network, Pass::eval(), loader, attack.get());
  CHECK(a.zero_gradient == 60);
  CHECK(a.zero_gradient_right == a.correct);
  CHECK(a.zero_gradient_percent() == 100);
  CHECK(evaluate(state.engine, *state.network, Pass::eval(), loader, nullptr).zero_gradient == 0);
  test::Recorder nobody;
  CHECK(validate(state, nullptr, nobody).zero_gradient == 100);
  const StepNumbers first = train_step(state, "none"), second = train_step(state, "none");
  CHECK(first.attacked == 8);
  CHECK(first.zero_gradient == 8);
  CHECK(second.attacked == 8);
  CHECK(second.zero_gradient == 0);  // the first update gave the head weights
}

TEST_CASE("what is said of images without a gradient", "[report]") {
  CHECK(report::zero_gradient_text(0, 0, 500).empty());
  CHECK(report::zero_gradient_text(12, 11, 500) ==
        "12 of 500 images (2.4 %) had a gradient of zero in a step of this attack, which cannot move them; 11 of those "
        "count as correct, of which the attack says little");
}
