// Frozen networks that a method learns from: what they answer, that they stay, and what can be wrong with them.
#include "trainers/methods/parts/teacher.h"
#include "core/files/safetensors.h"
#include "core/ops/loss.h"
#include "nn/weights.h"
#include "tests/fixtures/devices.h"
#include "tests/fixtures/networks.h"
#include "tests/fixtures/training_fixture.h"

using namespace temper;

namespace {

/// Learns the teacher's answers for clean images.
struct Learns : Trainer {
  Teacher teacher{"teacher", "test_net"};
  void fields(Fields& f) override { teacher.fields(f); }
  void check(const Fields& f, int64_t) const override { teacher.check(f); }
  void begin(TrainContext& c) override { teacher.begin(c); }
  std::vector<MethodPart> parts() override { return {teacher.part()}; }
  Var loss(Tape& tape, const Batch& batch, const TrainContext& c) override {
    const Var logits = c.model(tape, tape.input(batch.images), Pass::train());
    return kl_divergence(tape, logits, {teacher.logits(c, batch.images)});
  }
};
TEMPER_REGISTER(Trainer, Learns, "test_learns", "for tests");

Experiment learning(const std::string& section, const std::vector<std::string>& set = {}) {
  return test::tiny("{name: test_learns, teacher: " + section + "}", set);
}

Teacher& teacher_of(TrainingState& state) { return dynamic_cast<Learns&>(*state.experiment.trainer.method).teacher; }

/// A file in `folder` with the weights of an untrained network.
std::string file_of_weights(const test::TemporaryFolder& folder, uint64_t seed = 1, int64_t classes = 3) {
  Engine engine({.threads = 1});
  const DataShape data{.height = 8, .width = 8, .channels = 1, .classes = classes};
  std::string file = folder.file("teacher.safetensors");
  save_weights(*test::network(engine, "{name: test_net}", {.data = data, .seed = seed}), file);
  return file;
}

std::vector<double> logits_of(TrainingState& state, const Network& network) {
  const Arena::Scope scope(state.engine.arena());
  const Batch batch = state.train.load(1, 0);
  return test::numbers_of(state.engine, network.predict(state.engine, batch.images, Pass::eval()));
}

}  // namespace

TEMPER_DEVICE_TEST("teacher: it has the weights of its file, answers by its running statistics and never changes",
                   "[trainers][teacher]") {
  const test::TemporaryFolder folder;
  const std::string file = file_of_weights(folder, 9);
  Experiment e = learning("{weights: " + file + "}", test::on(device));
  TrainingState state(e, read_splits(e));
  Network same(state.engine, *e.model.architecture, state.network->options());
  load_weights(same, file);
  const std::vector<double> want = logits_of(state, same);
  const auto answers = [&] {
    const Arena::Scope scope(state.engine.arena());
    TrainContext context = state.context();
    return test::numbers_of(state.engine, teacher_of(state).logits(context, state.train.load(1, 0).images));
  };
  CHECK(answers() == want);
  for (int i = 0; i < 3; ++i) train_step(state, "none");
  CHECK(answers() == want);
  const Weights &now = teacher_of(state).network().weights(), &file_has = same.weights();
  CHECK(test::arrays_of(now.params) == test::arrays_of(file_has.params));
  CHECK(test::arrays_of(now.buffers) == test::arrays_of(file_has.buffers));
}

TEST_CASE("teacher: it normalises as the network in training, unless it has its own mean and std",
          "[trainers][teacher]") {
  const test::TemporaryFolder folder;
  const std::string file = file_of_weights(folder);
  const auto logits = [&](const std::string& model, const std::vector<std::string>& set) {
    Experiment e = learning("{weights: " + file + ", model: " + model + "}", set);
    TrainingState state(e, read_splits(e));
    return logits_of(state, teacher_of(state).network());
  };
  const std::vector<std::string> network = {"model.mean=[0.5]", "model.std=[0.25]"};
  CHECK(logits("{}", network) == logits("{mean: [0.5], std: [0.25]}", {}));
  CHECK(logits("{mean: [0], std: [1]}", network) == logits("{}", {}));
  CHECK(logits("{}", network) != logits("{}", {}));
}

TEST_CASE("teacher: a checkpoint holds it, so a resume goes on with it when its file has changed",
          "[trainers][teacher][resume]") {
  const test::TemporaryFolder folder, run;
  const std::string file = file_of_weights(folder);
  test::Recorder recorder;
  const auto train = [&](int epochs, Resume resume) {
    Experiment e = learning("{weights: " + file + "}", {cat("loop.epochs=", epochs)});
    run_training(e, {run.path()}, recorder, resume);
    std::vector<NamedArray> teacher;
    for (const NamedArray& a : load_safetensors(RunFolder{run.path()}.last().string()).arrays)
      if (a.name.starts_with("teacher.")) teacher.push_back(a);
    REQUIRE(!teacher.empty());
    return teacher;
  };
  const auto first = train(1, Resume::no);
  file_of_weights(folder, 9);
  CHECK(train(2, Resume::yes) == first);
}

TEST_CASE("teacher: what is wrong with its weights is said in one line", "[trainers][teacher][errors]") {
  const test::TemporaryFolder folder;
  CHECK_THROWS_WITH(learning("{}"),
                    "tiny.yaml line 6: trainer.teacher.weights: expected a file of weights, because the method learns "
                    "from a trained network, got none; name a .safetensors or .npz file, such as "
                    "checkpoints/best.safetensors of a run");
  const auto begin = [](const std::string& section) {
    Experiment e = learning(section);
    const TrainingState state(e, read_splits(e));
  };
  CHECK_THROWS_WITH(begin("{weights: none.npz}"),
                    "trainer.teacher.weights: expected a safetensors or npz file, got 'none.npz', which does not "
                    "exist; train that network first, or name another file");
  const std::string file = file_of_weights(folder, 1, 5);
  CHECK_THROWS_WITH(begin("{weights: " + file + "}"),
                    "trainer.teacher.weights: " + file +
                        ": expected a network with 3 outputs, one for each class, got one with 5; name the weights of "
                        "a network for the same classes");
  CHECK_THROWS_WITH(
      begin("{model: {name: small_cnn}, weights: " + file_of_weights(folder) + "}"),
      ContainsSubstring("trainer.teacher.weights: ") && ContainsSubstring("these weights are of another network"));
  CHECK_THROWS_WITH(learning("{weights: a.npz, model: {mean: [0.5]}}"),
                    ContainsSubstring("trainer.teacher.model.std: expected as many values as mean has (1), got 0"));
  CHECK_THROWS_WITH(learning("{weihgts: a.npz}"), ContainsSubstring("did you mean 'weights'?"));
}
