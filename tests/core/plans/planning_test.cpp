// Going through work without doing it: nothing changes, and what is met is what the work then does.
#include <cstring>

#include "core/ops/elementwise.h"
#include "core/ops/loss.h"
#include "core/plans/plan_ahead.h"
#include "evaluation/robust_accuracy.h"
#include "kernels/runtime/device_array.h"
#include "kernels/runtime/memory.h"
#include "tests/fixtures/devices.h"
#include "tests/fixtures/fake_recorder.h"
#include "tests/fixtures/training_fixture.h"
#include "trainers/loop/step_key.h"
#include "trainers/loop/train_step.h"
#include "trainers/loop/validate.h"

using namespace temper;

namespace {

void append(std::vector<double>& to, const ParamBuffer& buffer) {
  for (int i = 0; i < buffer.layout().count(); ++i) {
    const std::vector<double> values = buffer.read(i);
    to.insert(to.end(), values.begin(), values.end());
  }
}

/// Every number that a run keeps.
struct Numbers : StateVisitor {
  std::vector<double> all;
  void operator()(const std::string&, double& value) override { all.push_back(value); }
  void operator()(const std::string&, int64_t& value) override { all.push_back(static_cast<double>(value)); }
  void operator()(const std::string&, ParamBuffer& buffer) override { append(all, buffer); }
};
std::vector<double> numbers(TrainingState& state) {
  Numbers n;
  state.visit(n);
  for (Trained& t : state.trained) append(n.all, t.gradient);
  return n.all;
}

std::vector<std::string> with(std::vector<std::string> set, std::initializer_list<const char*> more) {
  set.insert(set.end(), more.begin(), more.end());
  return set;
}

/// The first launch of `planned` that `done` does not have in its place, but for what the CPU's convolutions launch
/// where they have no epilogue: they are not asked while planning.
std::string difference(const test::Launches& planned, const test::Launches& done) {
  size_t i = 0;
  bool in_convolution = false;
  for (const CapturedStep::Launch& launch : done) {
    if (i < planned.size() && planned[i] == launch) {
      in_convolution = launch.what.starts_with("conv2d");
      ++i;
    } else if (!in_convolution) {
      return cat(i, ": ", i < planned.size() ? planned[i].what : "the end", " / ", launch.what);
    }
  }
  return i == planned.size() ? "" : cat(i, ": ", planned[i].what, " / the end");
}

/// A method that decides by a number of the device.
struct Decides : Trainer {
  Var loss(Tape& tape, const Batch& batch, const TrainContext& c) override {
    const Var loss = cross_entropy(tape, c.model(tape, tape.input(batch.images), Pass::train()), batch.labels);
    return read_scalar(c.engine, loss.value) > 100 ? scale(tape, loss, 0.5f) : loss;
  }
};

enum class Plans : uint8_t { ahead, when_met };

/// Two epochs with a last batch that is smaller: what they print, and what they leave.
std::vector<double> run(const std::string& trainer, const std::vector<std::string>& set, Plans plans) {
  Experiment e = test::tiny(trainer, with(set, {"loop.batch_size=7", "threads=1"}));
  TrainingState state(e, read_splits(e));
  Engine& engine = state.engine;
  state.network->activation_bytes(engine);  // measured once, whoever asks first
  std::vector<double> all;
  for (int64_t epoch = 1; epoch <= 2; ++epoch) {
    state.progress.epoch = epoch;
    state.progress.step = 0;
    if (plans == Plans::ahead) {
      const std::vector<double> before = numbers(state);
      const Weights& w = state.network->weights();
      const uint64_t params = w.params.version(), buffers = w.buffers.version();
      CHECK(note_step(state));
      note_validation(state);
      engine.conv().make_plans(engine.stream());
      CHECK(numbers(state) == before);
      CHECK(w.params.version() == params);
      CHECK(w.buffers.version() == buffers);
      CHECK(engine.arena().used() == 0);
    }
    TrainContext context = state.context();
    e.trainer.method->before_epoch(context);
    while (state.progress.step < state.steps_per_epoch()) {
      const StepNumbers n = train_step(state, "none");
      all.insert(all.end(), {n.loss, n.lr, n.grad_norm});
    }
    test::Recorder nobody;
    const ValidationReport v = validate(state, nullptr, nobody);
    all.insert(all.end(), {v.clean, v.robust});
  }
  const std::vector<double> kept = numbers(state);
  all.insert(all.end(), kept.begin(), kept.end());
  // On a CPU threads have arenas and primitives of their own, which planning does without.
  if (engine.device() != Device::cpu) all.push_back(static_cast<double>(engine.arena().peak()));
  return all;
}

}  // namespace

TEST_CASE("planning: nothing is done, and what the host keeps comes back", "[planning]") {
  Engine engine(EngineOptions{.arena_mb = 4});
  const Stream s = engine.stream();
  ParamLayout layout;
  layout.add("w", {64}, nullptr);
  ParamBuffer buffer(layout, DType::f32, s), other(layout, DType::f32, s);
  buffer.write(0, std::vector<double>(64, 3.0));
  buffer.half_view(0, DType::bf16);
  CHECK(buffer.half_copy());
  const uint64_t version = buffer.version();
  {
    const Planning planning(engine.capture());
    buffer.copy_from(other);
    buffer.zero();
    set_zero(s, buffer.all().data, buffer.all().bytes());
    CHECK(buffer.version() != version);
    buffer.half_view(0, DType::bf16);
    CHECK(buffer.half_copy());
    CHECK_THROWS_AS(synchronize(s), NotRepeatable);
    CHECK_THROWS_AS(DeviceArray<float>(s, 1), NotRepeatable);
    CHECK_THROWS_WITH(engine.capture().begin(), "capture: a planning pass is under way; end it before another begins");
  }
  CHECK(buffer.version() == version);
  CHECK(buffer.read(0) == std::vector<double>(64, 3.0));
  CHECK(!buffer.half_copy());  // nothing was converted
  buffer.half_view(0, DType::bf16);
  CHECK(static_cast<float>(buffer.half_copy().as<bfloat16>()[0]) == 3);
}

TEST_CASE("planning: a run is the same, bit for bit, with and without", "[planning]") {
  const auto [trainer, set] = GENERATE(from_range(test::every_method()));
  const std::string compute = GENERATE("f32", "f16");
  INFO(trainer << " in " << compute);
  const std::vector<std::string> all = with(set, {("precision.compute=" + compute).c_str()});
  std::vector<double> ahead;
  try {
    ahead = run(trainer, all, Plans::ahead);
  } catch (const Error& e) {  // there are methods that need single precision
    REQUIRE(compute == "f16");
    REQUIRE_THAT(e.what(), ContainsSubstring("expected precision.compute: f32"));
    return;
  }
  const std::vector<double> when_met = run(trainer, all, Plans::when_met);
  REQUIRE(ahead.size() == when_met.size());  // as bits: the gradient of a step that f16 leaves out is none
  CHECK(std::memcmp(ahead.data(), when_met.data(), ahead.size() * sizeof(double)) == 0);
}

TEST_CASE("planning: a run on a GPU is the same, bit for bit, with and without", "[planning][cuda]") {
  TEMPER_NEEDS_CUDA();
  const std::string compute = GENERATE("f32", "bf16");
  INFO(compute);
  const std::vector<std::string> set = {"device=cuda", "graph=off", "precision.compute=" + compute};
  CHECK(run(test::kPgdAt, set, Plans::ahead) == run(test::kPgdAt, set, Plans::when_met));
}

TEST_CASE("planning: on a GPU no step and no validation meets a convolution that was not noted", "[planning][cuda]") {
  TEMPER_NEEDS_CUDA();
  const auto [trainer, set] = GENERATE(from_range(test::every_method()));
  INFO(trainer);
  // 48 images: a last batch of 6.
  Experiment e = test::tiny(trainer, with(set, {"device=cuda", "loop.batch_size=7"}));
  TrainingState state(e, read_splits(e));
  TrainContext context = state.context();
  e.trainer.method->before_epoch(context);
  const PlansMade made = plan_ahead(state.engine, [&] {
    CHECK(note_step(state));
    note_validation(state);
  });
  CHECK(made.count > 0);
  const int64_t planned = state.engine.conv().stats().primitives_created;
  test::Recorder nobody;
  while (state.progress.step < state.steps_per_epoch()) train_step(state, "none");
  validate(state, nullptr, nobody);
  CHECK(state.engine.conv().stats().primitives_created == planned);
}

TEST_CASE("planning: a step is gone through launch by launch as it is then done", "[planning]") {
  const auto [trainer, set] = GENERATE(from_range(test::every_method()));
  INFO(trainer);
  Experiment e = test::tiny(trainer, set);  // 48 images: batches of 8
  TrainingState state(e, read_splits(e));
  train_step(state, "none");  // what it builds for later steps is no part of them
  CHECK(note_step(state));
  const test::Launches planned = state.engine.capture().captured().launches;
  test::Launches done;
  state.graph.emplace(state.engine, GraphUse::on, std::make_unique<test::ListingRecorder>(done));
  {
    const Arena::Scope scope(state.engine.arena());
    state.graph->run(step_key(state, state.train.blank(1).size()), [] {});  // so that the next is not the first
  }
  train_step(state, "none");
  CHECK(planned.size() > 20);
  CHECK(difference(planned, done) == "");
}

TEST_CASE("planning: an evaluation is gone through without a trace", "[planning]") {
  Experiment e = test::tiny();
  TrainingState state(e, read_splits(e));
  test::Recorder nobody;
  const auto measure = [&] {
    const ValidationReport v = validate(state, nullptr, nobody);
    return std::pair{v.clean, v.robust};
  };
  const auto before = measure();
  const ConvStats stats = state.engine.conv().stats();
  note_validation(state);
  CHECK(state.engine.capture().captured().launches.size() > 20);
  CHECK(state.engine.conv().stats() == stats);
  CHECK(state.engine.arena().used() == 0);
  CHECK(measure() == before);
}

TEST_CASE("planning: a method whose host waits for the device is left alone", "[planning]") {
  Experiment e = test::tiny("{name: standard}");
  e.trainer.method = std::make_unique<Decides>();
  TrainingState state(e, read_splits(e));
  const std::vector<double> before = numbers(state);
  CHECK_FALSE(note_step(state));
  CHECK(numbers(state) == before);
  CHECK_FALSE(state.engine.capture().planning());
  CHECK(state.engine.arena().used() == 0);
  CHECK(std::isfinite(train_step(state, "none").loss));
}

TEST_CASE("planning: a method whose host asks for the number of the step is left alone", "[planning]") {
  struct Counts : Decides {
    Var loss(Tape& tape, const Batch& batch, const TrainContext& c) override {
      const Var loss = cross_entropy(tape, c.model(tape, tape.input(batch.images), Pass::train()), batch.labels);
      return c.step > 100 ? scale(tape, loss, 0.5f) : loss;
    }
  };
  Experiment e = test::tiny("{name: standard}");
  e.trainer.method = std::make_unique<Counts>();
  TrainingState state(e, read_splits(e));
  CHECK_FALSE(note_step(state));
  CHECK(std::isfinite(train_step(state, "none").loss));
}

TEST_CASE("planning: other errors go through", "[planning][errors]") {
  Engine engine(EngineOptions{.arena_mb = 4});
  CHECK_THROWS_WITH(note_plans(engine, [&] { engine.arena().tensor({8 << 20}, DType::u8); }),
                    ContainsSubstring("raise memory.arena_mb"));
  CHECK_FALSE(engine.capture().planning());
}

TEST_CASE("planning: the CPU has nothing to choose ahead", "[planning]") {
  Engine engine(EngineOptions{.arena_mb = 4});
  int noted = 0;
  CHECK(plan_ahead(engine, [&] { ++noted; }).count == 0);
  CHECK(noted == 0);
}
