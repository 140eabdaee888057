// Methods, averages and the experiment's sections; the loop has its own file.
#include <algorithm>
#include <cmath>
#include <limits>

#include <set>

#include "core/ops/loss.h"
#include "core/plans/plan_cache.h"
#include "evaluation/robust_accuracy.h"
#include "source_dir.h"
#include "tests/fixtures/devices.h"
#include "tests/fixtures/tensors.h"
#include "tests/fixtures/training_fixture.h"
#include "trainers/loop/train_step.h"
#include "trainers/loop/validate.h"

using namespace temper;

namespace {

struct Setup {
  Experiment experiment;
  TrainingState state;
  explicit Setup(Device device, const std::string& trainer, const std::vector<std::string>& set = {})
      : experiment(test::tiny(trainer, test::on(device, set))), state(experiment, read_splits(experiment)) {}

  double loss_of_first_batch() {
    const Arena::Scope scope(state.engine.arena());
    const Batch batch = state.train.load(1, 0);
    TrainContext context = state.context();
    return experiment.trainer.method->gradients(context, batch, state.gradients());
  }
  std::vector<std::vector<double>> statistics() const { return test::arrays_of(state.network->weights().buffers); }
  // The running statistics after `updates` forwards of the first batch in train mode.
  std::vector<std::vector<double>> statistics_after(int updates) {
    for (int i = 0; i < updates; ++i) {
      const Arena::Scope scope(state.engine.arena());
      const Batch batch = state.train.load(1, 0);
      state.network->predict(state.engine, batch.images, Pass::train());
    }
    return statistics();
  }
};

void check_close(const std::vector<std::vector<double>>& a, const std::vector<std::vector<double>>& b) {
  REQUIRE(a.size() == b.size());
  for (size_t i = 0; i < a.size(); ++i)
    for (size_t e = 0; e < a[i].size(); ++e) CHECK(a[i][e] == Approx(b[i][e]).margin(1e-6));
}

}  // namespace

TEMPER_DEVICE_TEST("trades: beta 0 has the loss and gradient of standard training, bit for bit", "[trainers]") {
  Setup standard(device, "{name: standard}"), trades(device, "{name: trades, beta: 0, attack: {steps: 2}}");
  CHECK(standard.loss_of_first_batch() == trades.loss_of_first_batch());
  const auto want = test::arrays_of(standard.state.trained[0].gradient),
             got = test::arrays_of(trades.state.trained[0].gradient);
  if (device == Device::cpu)
    CHECK(got == want);
  else  // what adds to a gradient is another engine than what writes it
    check_close(got, want);
}

TEMPER_DEVICE_TEST("trades: the KL term trains both sides, or the adversarial side alone", "[trainers]") {
  const auto gradient = [&](const std::string& side) {
    Setup s(device, "{name: trades, beta: 6, attack: {radius: 0.1, step: 0.05, steps: 2}, kl_gradient: " + side + "}");
    const double loss = s.loss_of_first_batch();
    return std::pair(loss, s.state.trained[0].gradient.read(0));
  };
  const auto both = gradient("both_sides"), one = gradient("adversarial_only");
  CHECK(both.first == one.first);
  CHECK(both.second != one.second);
}

TEMPER_DEVICE_TEST(
    "attack_bn: eval and train_no_update leave the statistics alone, train moves them with every forward",
    "[trainers]") {
  // With radius 0 every forward sees the same images, so k updates are k times the same step.
  const auto statistics = [&](const std::string& trainer) {
    Setup s(device, trainer);
    s.loss_of_first_batch();
    return s.statistics();
  };
  const auto after = [&](int updates) { return Setup(device, "{name: standard}").statistics_after(updates); };
  const std::string attack = ", attack: {radius: 0, step: 0.01, steps: 3, start: none}";
  check_close(statistics("{name: standard}"), after(1));
  check_close(statistics("{name: pgd_at, attack_bn: eval" + attack + "}"), after(1));
  check_close(statistics("{name: pgd_at, attack_bn: train_no_update" + attack + "}"), after(1));
  check_close(statistics("{name: pgd_at, attack_bn: train" + attack + "}"), after(4));
  check_close(statistics("{name: trades" + attack + "}"), after(2));
  check_close(statistics("{name: trades, clean_updates: 2" + attack + "}"), after(3));
}

TEMPER_DEVICE_TEST("attack_bn: eval leaves the statistics unchanged bit for bit", "[trainers]") {
  Setup s(device, "{name: standard}");
  const auto before = s.statistics();
  const std::unique_ptr<Attack> attack = Registry<Attack>::instance().make("pgd");
  evaluate(s.state.engine, *s.state.network, Pass::eval(), *s.state.validation, attack.get());
  CHECK(s.statistics() == before);
}

TEMPER_DEVICE_TEST("pgd_at: Rice's clean pass moves the statistics once more, after the step", "[trainers]") {
  Setup s(device, "{name: pgd_at, attack_bn: eval, clean_pass: train, attack: {radius: 0, steps: 1, start: none}}");
  s.loss_of_first_batch();
  const Arena::Scope scope(s.state.engine.arena());
  TrainContext context = s.state.context();
  s.experiment.trainer.method->after_step(context, s.state.train.load(1, 0));
  check_close(s.statistics(), Setup(device, "{name: standard}").statistics_after(2));
}

TEMPER_DEVICE_TEST("pgd_at: a step as in Rice's code has three forward passes beside the attack's, with any restarts",
                   "[trainers]") {
  const auto statistics = [&](const std::string& options) {
    Setup s(device, "{name: pgd_at, attack_bn: train, " + options + "}");
    s.loss_of_first_batch();
    const Arena::Scope scope(s.state.engine.arena());
    TrainContext context = s.state.context();
    s.experiment.trainer.method->after_step(context, s.state.train.load(1, 0));
    return s.statistics();
  };
  const auto after = [&](int updates) { return Setup(device, "{name: standard}").statistics_after(updates); };
  const std::string rice = "score_pass: always, clean_pass: train, attack: {radius: 0, step: 0.01, start: none, ";
  check_close(statistics(rice + "steps: 10}"), after(13));
  check_close(statistics(rice + "steps: 3, restarts: 2}"), after(10));
  const Experiment e = read_experiment(load_config(TEMPER_SOURCE_DIR "/configs/cifar10/pgd_at_preact_resnet18.yaml"));
  CHECK(e.resolved["trainer"]["score_pass"].text() == "always");
  CHECK(e.resolved["trainer"]["clean_pass"].text() == "train");
}

TEMPER_DEVICE_TEST("averages: exponential and plain means follow their formulas", "[averages]") {
  CHECK(ema_keep({.decay = 0.999}, 1) == 0.5);
  CHECK(ema_keep({.decay = 0.999}, 9) == 0.9);
  CHECK(ema_keep({.decay = 0.999}, 5000) == 0.999);
  CHECK(ema_keep({.decay = 0.999, .warm_up = false}, 1) == 0.999);

  Setup s(device, "{name: standard}");
  ParamBuffer& theta = s.state.network->weights().params;
  Average mean(s.state.engine, *s.state.network);
  std::vector<double> sum(theta.layout()[0].shape.numel(), 0.0);
  for (int n = 0; n < 4; ++n) {
    std::vector<double> values(sum.size());
    for (size_t e = 0; e < sum.size(); ++e) sum[e] += values[e] = std::sin(n + 0.1 * static_cast<double>(e));
    theta.write(0, values);
    mean.add(s.state.engine, *s.state.network, n / (n + 1.0), AverageBn::copy);
  }
  CHECK(mean.count() == 4);
  const std::vector<double> got = mean.weights().params.read(0);
  for (size_t e = 0; e < sum.size(); ++e) CHECK(got[e] == Approx(sum[e] / 4).margin(1e-6));
}

TEMPER_DEVICE_TEST("averages: estimated statistics are the mean over all batches, each image counting alike",
                   "[averages]") {
  Setup s(device, "{name: standard}", {"loop.batch_size=20"});  // 48 images: batches of 20, 20 and 8
  Weights& weights = s.state.network->weights();
  std::vector<double> want(4, 0.0);
  for (int64_t b = 0; b < 3; ++b) {
    const Arena::Scope scope(s.state.engine.arena());
    const Batch batch = s.state.train.load(1, b);
    weights.buffers.zero();
    s.state.network->predict(s.state.engine, batch.images, Pass::train());
    const std::vector<double> one = weights.buffers.read(0);  // 0.1 * the batch's mean
    for (int c = 0; c < 4; ++c) want[c] += one[c] * 10 * static_cast<double>(batch.size()) / 48;
  }
  estimate_bn(s.state.engine, *s.state.network, weights, {.images = s.state.train});
  const std::vector<double> got = weights.buffers.read(0);
  for (int c = 0; c < 4; ++c) CHECK(got[c] == Approx(want[c]).epsilon(1e-5));
}

TEST_CASE("a method must not move the network after the optimiser has") {
  struct Meddler : Trainer {
    Var loss(Tape& tape, const Batch& batch, const TrainContext& c) override {
      return cross_entropy(tape, c.model(tape, tape.input(batch.images), Pass::train()), batch.labels, Reduction::mean);
    }
    void after_step(TrainContext& c, const Batch&) override { c.model.weights().params.bump_version(); }
  };
  Experiment e = test::tiny("{name: standard}");
  e.trainer.method = std::make_unique<Meddler>();
  TrainingState state(e, read_splits(e));
  CHECK_THROWS_WITH(
      train_step(state, "none"),
      "training: expected after_step of standard to leave the network's parameters as the optimiser "
      "moved them, because averages have them already, but it wrote to them; do that in write_gradients()");
}

TEMPER_DEVICE_TEST("a step whose loss is not finite leaves weights, momentum and average as they are", "[trainers]") {
  Setup s(device, "{name: standard}", {"ema.decay=0.9"});
  train_step(s.state, "none");
  ParamBuffer& params = s.state.network->weights().params;
  std::vector<double> poisoned = params.read(0);
  poisoned[0] = std::numeric_limits<double>::infinity();
  params.write(0, poisoned);
  const auto all = [&] {
    std::vector<std::vector<double>> out;
    for (int i = 1; i < params.layout().count(); ++i)
      for (const ParamBuffer* buffer :
           {&params, &s.state.trained[0].optimizer.state("momentum"), &s.state.ema->weights().params})
        out.push_back(buffer->read(i));
    return out;
  };
  const auto before = all();
  CHECK_THROWS_WITH(train_step(s.state, "none"), ContainsSubstring("training: the loss is"));
  CHECK(all() == before);
}

TEST_CASE("validation: its images come from the training split and are not trained on") {
  Setup s(Device::cpu, "{name: standard}");
  CHECK(s.state.images_train == 48);
  CHECK(s.state.images_validation == 12);
  const ImageSet all = s.experiment.data.reader->train();
  const DataSplits splits = read_splits(s.experiment);
  std::multiset<std::vector<uint8_t>> images;
  const auto put = [&](const ImageSet& set) {
    for (int64_t i = 0; i < set.size(); ++i)
      images.insert({set.pixels.begin() + i * 64, set.pixels.begin() + (i + 1) * 64});
  };
  put(splits.train);
  put(splits.validation);
  const auto together = images;
  images.clear();
  put(all);
  CHECK(together == images);
  CHECK_THROWS_WITH(read_splits(*std::make_unique<Experiment>(test::tiny("{name: standard}", {"data.validation=60"}))),
                    "data.validation: expected fewer than the 60 training images, got 60");
}

TEST_CASE("experiment: the resolved configuration reads back as itself") {
  const Experiment e = test::tiny("{name: trades}", {"ema.decay=0.99", "evaluation.attacks.pgd20.name=pgd20-2"});
  CHECK(e.trainer.name == "trades");
  CHECK(e.ema.on());
  REQUIRE(e.evaluation.attacks.size() == 1);
  CHECK(e.evaluation.attacks[0].label == "pgd20");
  const std::string text = e.resolved.yaml();
  const Experiment again = read_experiment(parse_config(text, "again.yaml"));
  CHECK(again.resolved.yaml() == text);
}

TEST_CASE("experiment: how convolutions are chosen reaches the engine") {
  const auto planning = [](const std::vector<std::string>& set) {
    return test::tiny(test::kPgdAt, set).engine_options().planning;
  };
  const ConvPlanning plain = planning({});
  CHECK(plain.math == ConvMath::f32);
  CHECK(plain.choice == PlanChoice::proposed);
  CHECK(plain.check == PlanCheck::on);
  CHECK(plain.folder == default_plan_folder());
  const ConvPlanning chosen = planning({"precision.compute=tf32", "convolution.plans=timed", "convolution.check=off",
                                        "convolution.cache=kept/plans", "convolution.workspace_mb=64"});
  CHECK(chosen.math == ConvMath::tf32);
  CHECK(chosen.choice == PlanChoice::timed);
  CHECK(chosen.check == PlanCheck::off);
  CHECK(chosen.folder == "kept/plans");
  CHECK(chosen.workspace_mb == 64);
  CHECK(planning({"convolution.cache=off"}).folder.empty());
  CHECK(planning({"convolution.plans=timed", "exact=true"}).choice == PlanChoice::proposed);
  CHECK_THROWS_WITH(planning({"convolution.workspace_mb=-1"}),
                    ContainsSubstring("convolution.workspace_mb: expected 0 to 1048576, got -1"));
}

TEST_CASE("experiment: wrong fields say where and what is expected") {
  const auto with = [](const std::string& set, const std::string& trainer = test::kPgdAt) {
    return [=] { test::tiny(trainer, {set}); };
  };
  CHECK_THROWS_WITH(with("trainer.betta=1", "{name: trades}")(),
                    ContainsSubstring("trainer: unknown key 'betta'; did you mean 'beta'?"));
  CHECK_THROWS_WITH(test::tiny("{name: pgdat}"),
                    ContainsSubstring("tiny.yaml line 6: trainer.name: unknown name 'pgdat'; did you mean 'pgd_at'?"));
  CHECK_THROWS_WITH(with("trainer.beta=-1", "{name: trades}")(),
                    ContainsSubstring("trainer.beta: expected 0 or more, got -1"));
  CHECK_THROWS_WITH(with("trainer.clean_updates=3", "{name: trades}")(),
                    ContainsSubstring("trainer.clean_updates: expected 1 to 2, got 3"));
  CHECK_THROWS_WITH(with("trainer.label_smoothing=1")(),
                    ContainsSubstring("trainer.label_smoothing: expected 0 or more and below 1, got 1"));
  CHECK_THROWS_WITH(with("trainer.attack_bn=evall")(),
                    ContainsSubstring("trainer.attack_bn: expected one of eval, train, train_no_update, got 'evall'"));
  CHECK_THROWS_WITH(with("trainer.attack.radius=8")(), ContainsSubstring("trainer.attack.radius: expected at most 1"));
  CHECK_THROWS_WITH(with("loop.epochs=0")(),
                    ContainsSubstring("--set loop.epochs: loop.epochs: expected 1 to 1000000, got 0"));
  CHECK_THROWS_WITH(with("loop.batch_size=0")(), ContainsSubstring("loop.batch_size: expected 1 to 1048576, got 0"));
  CHECK_THROWS_WITH(with("loop.checkpoint_every=0")(),
                    ContainsSubstring("loop.checkpoint_every: expected 1 or more, got 0"));
  CHECK_THROWS_WITH(with("loop.eval_every=-1")(), ContainsSubstring("loop.eval_every: expected 0 or more, got -1"));
  CHECK_THROWS_WITH(with("loop.collapse=1")(),
                    ContainsSubstring("loop.collapse: expected 0 or more and below 1, got 1"));
  CHECK_THROWS_WITH(with("loop.select=ema")(),
                    ContainsSubstring("loop.select: names an average that is off; set ema.decay or swa.start"));
  CHECK_THROWS_WITH(test::tiny(test::kPgdAt, {"loop.early_stop=2", "data.validation=0"}),
                    ContainsSubstring("loop.early_stop: needs validations, but data.validation is 0"));
  CHECK_THROWS_WITH(with("data.validation=-1")(), ContainsSubstring("data.validation: expected 0 or more, got -1"));
  CHECK_THROWS_WITH(with("model.mean=[0.5]")(),
                    ContainsSubstring("model.std: expected as many values as mean has (1), got 0"));
  CHECK_THROWS_WITH(with("model.branches=[]")(), ContainsSubstring("model.branches: expected at least one name"));
  CHECK_THROWS_WITH(with("ema.decay=1")(), ContainsSubstring("ema.decay: expected 0 or more and below 1, got 1"));
  CHECK_THROWS_WITH(with("swa.start=-1")(), ContainsSubstring("swa.start: expected 0 or more, got -1"));
  CHECK_THROWS_WITH(with("swa.every=-1")(), ContainsSubstring("swa.every: expected 0 or more, got -1"));
  CHECK_THROWS_WITH(with("evaluation.batch_size=0")(),
                    ContainsSubstring("evaluation.batch_size: expected 1 to 1048576, got 0"));
  CHECK_THROWS_WITH(with("evaluation.attacks.a.name=pdg")(),
                    ContainsSubstring("evaluation.attacks.a.name: unknown name 'pdg'; did you mean 'pgd'?"));
  CHECK_THROWS_WITH(with("threads=-1")(), ContainsSubstring("threads: expected 0 or more, got -1"));
  CHECK_THROWS_WITH(with("memory.arena_mb=-1")(), ContainsSubstring("memory.arena_mb: expected 0 to 16777216, got -1"));
  CHECK_THROWS_WITH(
      with("precision.loss_scale=1000")(),
      ContainsSubstring(
          "precision.loss_scale: expected a power of two, such as 1024, up to 16777216, or auto, got 1000"));
  CHECK_THROWS_WITH(with("precision.compute=f8")(),
                    ContainsSubstring("precision.compute: expected one of f32, tf32, bf16, f16, f64, got 'f8'"));
}
