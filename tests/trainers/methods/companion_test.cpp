// Networks beside the one in training: from the configuration, trained on their own, kept by checkpoints.
#include <csignal>

#include "core/files/file.h"
#include "core/ops/elementwise.h"
#include "core/ops/loss.h"
#include "tests/fixtures/devices.h"
#include "tests/fixtures/training_fixture.h"
#include "trainers/methods/parts/companion.h"
#include "trainers/state/checkpoint.h"

using namespace temper;

namespace {

/// Distils from a network that learns on its own every other step. Visits nothing.
struct Distils : Trainer {
  Companion other{"other", {.architecture = "test_net", .every = 2}};
  explicit Distils(const std::string& section) {
    const Config config = parse_config("other: " + section);
    Fields f(config);
    other.fields(f);
    f.finish();
  }
  void begin(TrainContext& c) override { other.begin(c); }
  std::vector<MethodPart> parts() override { return {other.part()}; }
  Var loss(Tape& tape, const Batch& batch, const TrainContext& c) override {
    const Var logits = c.model(tape, tape.input(batch.images), Pass::train());
    const Var target{other.network().predict(c.engine, batch.images, Pass::eval())};
    return add(tape, cross_entropy(tape, logits, batch.labels), kl_divergence(tape, logits, target));
  }
  void after_step(TrainContext& c, const Batch& batch) override {
    if (!other.due(c)) return;
    const Arena::Scope scope(c.engine.arena());
    Tape tape(c.engine, Wrt::params);
    const Var logits = other.network()(tape, tape.input(batch.images), Pass::train());
    other.descend(c, tape, cross_entropy(tape, logits, batch.labels));
  }
};

Experiment distilling(const std::string& section, std::vector<std::string> set = {}) {
  Experiment e = test::tiny("{name: standard}", set);
  e.trainer.method = std::make_unique<Distils>(section);
  return e;
}

std::vector<std::vector<double>> weights_of(TrainingState& state) {
  return test::arrays_of(state.experiment.trainer.method->parts().at(0).weights->params);
}

}  // namespace

TEMPER_DEVICE_TEST("companion: it moves by its own optimiser, every so many steps", "[trainers]") {
  Experiment e = distilling("{optimizer: {lr: 0.5, momentum: 0, weight_decay: 0}, every: 3}", test::on(device));
  TrainingState state(e, read_splits(e));
  auto before = weights_of(state);
  CHECK(before != test::arrays_of(state.network->weights().params));  // initialised with other numbers
  for (int64_t step = 1; step <= 6; ++step) {
    train_step(state, "none");
    const auto after = weights_of(state);
    CHECK((after != before) == (step % 3 == 0));
    before = after;
  }
}

TEST_CASE("companion: its rate follows a schedule of its own, by the epochs of the run", "[trainers]") {
  const auto moves = [](const std::string& schedule) {
    Experiment e = distilling("{optimizer: {lr: 0.5, momentum: 0, weight_decay: 0}, every: 6" + schedule + "}");
    TrainingState state(e, read_splits(e));
    std::vector<double> of_epochs;
    for (state.progress.epoch = 1; state.progress.epoch <= 2; ++state.progress.epoch, state.progress.step = 0) {
      const auto before = weights_of(state);
      for (int step = 0; step < 6; ++step) train_step(state, "none");
      of_epochs.push_back(weights_of(state)[0][0] - before[0][0]);
    }
    return of_epochs;
  };
  const std::vector<double> constant = moves(""),
                            falling = moves(", schedule: {name: steps, milestones: [2], factor: 0.125}");
  REQUIRE(constant[1] != 0);
  CHECK(falling[0] == constant[0]);
  CHECK(std::abs(falling[1] / constant[1] - 0.125) < 1e-3);
}

TEST_CASE("companion: a method gives sgd defaults of its own, which the section may replace", "[trainers]") {
  const auto rule = [](const std::string& section) {
    Companion companion("other", {.sgd = {.lr = 0.25, .momentum = 0.5, .weight_decay = 0.125}, .clip = 2});
    const Config config = parse_config("other: " + section);
    Fields f(config);
    companion.fields(f);
    f.finish();
    return f.resolved().yaml();
  };
  CHECK_THAT(rule("{}"), ContainsSubstring("lr: 0.25") && ContainsSubstring("momentum: 0.5") &&
                             ContainsSubstring("weight_decay: 0.125") && ContainsSubstring("norm: 2"));
  CHECK_THAT(rule("{optimizer: {lr: 1}}"), ContainsSubstring("lr: 1") && ContainsSubstring("momentum: 0.5"));
  CHECK_THAT(rule("{optimizer: {name: adam}}"), !ContainsSubstring("lr: 0.25"));
}

TEMPER_DEVICE_TEST("companion: a method that visits nothing resumes to the same bits", "[trainers][resume]") {
  struct Stop : test::Recorder {
    void on_step(const StepReport& r) override {
      if (r.epoch == 2 && r.step == 3) std::raise(SIGTERM);
    }
  } stop;
  test::Recorder recorder;
  for (const char* optimizer : {"{lr: 0.1}", "{name: adam, lr: 0.01}"}) {
    INFO(optimizer);
    const test::TemporaryFolder whole, cut;
    const auto train = [&](const test::TemporaryFolder& folder, Observer& observer, Resume resume) {
      Experiment e = distilling(std::string("{every: 2, optimizer: ") + optimizer + "}", test::on(device));
      run_training(e, {folder.path()}, observer, resume);
      return read_file(RunFolder{folder.path()}.last().string());
    };
    const auto want = train(whole, recorder, Resume::no);
    CHECK(train(cut, stop, Resume::no) != want);
    CHECK(train(cut, recorder, Resume::yes) == want);
  }
}

TEST_CASE("companion: one that starts from a file and is never trained stays as it is", "[trainers]") {
  const test::TemporaryFolder folder;
  test::Recorder recorder;
  Experiment first = test::tiny("{name: standard}", {"loop.epochs=1"});
  run_training(first, {folder.path()}, recorder);
  const std::string file = RunFolder{folder.path()}.last().string();
  Experiment e = distilling("{every: 0, weights: " + file + "}");
  TrainingState state(e, read_splits(e));
  const auto start = weights_of(state);
  Network same(state.engine, *first.model.architecture, state.network->options());
  load_network(same, file);
  CHECK(start == test::arrays_of(same.weights().params));
  train_step(state, "none");
  CHECK(weights_of(state) == start);
}

TEST_CASE("companion: what is wrong with it is said by its own name", "[trainers][errors]") {
  CHECK_THROWS_WITH(distilling("{evry: 2}"), ContainsSubstring("other: unknown key 'evry'; did you mean 'every'?"));
  Experiment e = distilling("{every: 1, optimizer: {lr: 1e30, weight_decay: 0}}");
  TrainingState state(e, read_splits(e));
  const auto steps = [&] {
    for (int i = 0; i < 4; ++i) train_step(state, "none");
  };
  CHECK_THROWS_AS(steps(), Error);
}
