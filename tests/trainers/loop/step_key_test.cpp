// What a recorded step depends on is found by itself: two steps with one key launch the same, whatever the method.
#include "trainers/loop/step_key.h"
#include "core/ops/elementwise.h"
#include "core/ops/loss.h"
#include "tests/fixtures/catch.h"
#include "tests/fixtures/fake_recorder.h"
#include "tests/fixtures/training_fixture.h"

using namespace temper;

namespace {

Var clean_loss(Tape& tape, const Batch& batch, const TrainContext& c) {
  return cross_entropy(tape, c.model(tape, tape.input(batch.images), Pass::train()), batch.labels);
}

/// A step as a device would record it: under which key, and what it would repeat from then on.
struct Recorded {
  GraphKey key;
  test::Launches launches;
};

/// The next step. One must have been made before: what it builds for later ones is no part of a recording.
Recorded next_step(TrainingState& s) {
  Recorded r;
  s.graph.emplace(s.engine, GraphUse::on, std::make_unique<test::ListingRecorder>(r.launches));
  {
    const Arena::Scope scope(s.engine.arena());
    r.key = step_key(s, s.train.blank(s.progress.step).size());
    s.graph->run(r.key, [] {});  // so that this is not the first of its key
  }
  train_step(s, "none");
  return r;
}

void begin_epoch(TrainingState& s, int64_t epoch) {
  s.progress.epoch = epoch;
  s.progress.step = 0;
  TrainContext context = s.context();
  s.experiment.trainer.method->before_epoch(context);
}

struct Comparison {
  int64_t steps = 0, repeated = 0;  ///< steps, and those whose key an earlier one had
  std::string difference;           ///< between two steps of one key
};

/// Every step of the first epochs held against the first of its key.
Comparison compare_steps(TrainingState& s, int64_t epochs) {
  Comparison c;
  std::vector<Recorded> known;
  for (int64_t epoch = 1; epoch <= epochs; ++epoch) {
    begin_epoch(s, epoch);
    if (epoch == 1) train_step(s, "none");
    for (; s.progress.step < s.steps_per_epoch(); ++c.steps) {
      const Recorded now = next_step(s);
      const auto at = std::find_if(known.begin(), known.end(), [&](const Recorded& r) { return r.key == now.key; });
      if (at == known.end()) {
        known.push_back(now);
        continue;
      }
      ++c.repeated;
      if (c.difference.empty()) c.difference = test::difference(at->launches, now.launches);
    }
  }
  return c;
}

Comparison compare_steps(std::unique_ptr<Trainer> method, int64_t epochs) {
  Experiment e = test::tiny("{name: standard}");
  e.trainer.method = std::move(method);
  TrainingState state(e, read_splits(e));
  return compare_steps(state, epochs);
}

/// Weighs the loss by a number that the host makes of the epoch.
struct ByEpoch : Trainer {
  Var loss(Tape& tape, const Batch& batch, const TrainContext& c) override {
    return scale(tape, clean_loss(tape, batch, c), 0.25f * static_cast<float>(c.epoch));
  }
};

/// By a number that it keeps and changes after every step.
struct ByKept : Trainer {
  double weight = 1;
  Var loss(Tape& tape, const Batch& batch, const TrainContext& c) override {
    return scale(tape, clean_loss(tape, batch, c), static_cast<float>(weight));
  }
  void after_step(TrainContext&, const Batch&) override { weight *= 0.9; }
  void visit_state(StateVisitor& v) override { v("kept.weight", weight); }
};

/// By the same as a live value.
struct ByLive : ByKept {
  Var loss(Tape& tape, const Batch& batch, const TrainContext& c) override {
    return scale(tape, clean_loss(tape, batch, c), c.live("weight"));
  }
  void live_values(const MetricSink& put, const TrainContext& c) const override {
    put("weight", weight);
    put("ramp", static_cast<double>(c.epoch) + static_cast<double>(c.step));  // both may be read here
  }
  void visit_state(StateVisitor& v) override { v.unrecorded("kept.weight", weight); }
};

/// By the number of the step, on the host.
struct ByStep : Trainer {
  Var loss(Tape& tape, const Batch& batch, const TrainContext& c) override {
    return scale(tape, clean_loss(tape, batch, c), 1.f / static_cast<float>(c.step + 1));
  }
};

/// The steps of three epochs under a recorder that repeats.
struct Repeated {
  Experiment e = test::tiny("{name: standard}", {"loop.epochs=4"});
  TrainingState state;
  int made = 0;
  explicit Repeated(std::unique_ptr<Trainer> method, GraphUse use = GraphUse::automatic)
      : state(with(std::move(method)), read_splits(e)) {
    state.graph.emplace(state.engine, use, std::make_unique<test::FakeRecorder>());
    for (int64_t epoch = 1; epoch <= 3; ++epoch) {
      begin_epoch(state, epoch);
      for (; state.progress.step < state.steps_per_epoch(); ++made) train_step(state, "none");
    }
  }
  Experiment& with(std::unique_ptr<Trainer> method) {
    e.trainer.method = std::move(method);
    return e;
  }
};

}  // namespace

TEST_CASE("key: of every method, with each of its switches, steps of one key launch the same", "[graph]") {
  const auto [trainer, set] = GENERATE(from_range(test::every_variant()));
  INFO(trainer << " " << set.back());
  Experiment e = test::tiny(trainer, set);
  TrainingState state(e, read_splits(e));
  const Comparison c = compare_steps(state, 2);
  CHECK(c.steps == 11);
  CHECK(c.repeated > 0);
  CHECK(c.difference == "");
}

TEST_CASE("key: every switch of a method is tried, but for those that need another key", "[graph]") {
  std::map<std::string, int> tried;
  for (const auto& [trainer, set] : test::every_variant()) ++tried[trainer];
  CHECK(tried.at("{name: standard}") == 1);
  CHECK(tried.at("{name: cure}") > 20);
  for (const auto& [trainer, set] : test::every_method()) CHECK(tried.contains(trainer));
}

TEST_CASE("key: a loss that the host weighs by the epoch is recorded anew every epoch", "[graph]") {
  const Comparison c = compare_steps(std::make_unique<ByEpoch>(), 3);
  CHECK(c.steps == 17);
  CHECK(c.repeated == 14);
  CHECK(c.difference == "");
  // The launches do differ: a name that stayed the same would have repeated the first epoch's weight.
  Experiment e = test::tiny("{name: standard}");
  e.trainer.method = std::make_unique<ByEpoch>();
  TrainingState state(e, read_splits(e));
  train_step(state, "none");
  const Recorded first = next_step(state);
  begin_epoch(state, 2);
  const Recorded second = next_step(state);
  CHECK(first.key != second.key);
  if (test::kKernelsListed) CHECK_THAT(test::difference(first.launches, second.launches), ContainsSubstring("Scale"));
}

TEST_CASE("log: steps that are repeated have each term once", "[graph]") {
  Experiment e = test::tiny("{name: trades, attack: {radius: 0.05, step: 0.02, steps: 2}}");
  TrainingState state(e, read_splits(e));
  state.graph.emplace(state.engine, GraphUse::on, std::make_unique<test::FakeRecorder>());
  begin_epoch(state, 1);
  while (state.progress.step < state.steps_per_epoch()) {
    const Metrics logged = train_step(state, "none").logged;
    REQUIRE(logged.size() == 2);
    CHECK(logged[0].first == "clean_loss");
    CHECK(logged[1].first == "kl");
  }
  CHECK(state.graph->launched() == 5);
}

TEST_CASE("key: a number that the host changes at every step is never repeated, and that is said", "[graph]") {
  const Comparison c = compare_steps(std::make_unique<ByKept>(), 2);
  CHECK(c.repeated == 0);
  const Repeated run(std::make_unique<ByKept>());
  CHECK(run.state.graph->launched() == 0);
  const std::string text =
      "graph: 16 steps in a row could not be replayed, because the host changes 'kept.weight', and a captured step may "
      "depend on that; make it one of the method's live_values() and visit it as unrecorded";
  CHECK(run.state.graph->notes() == std::vector<std::string>{text});
  CHECK_THROWS_WITH(Repeated(std::make_unique<ByKept>(), GraphUse::on), text + ", or set graph: auto");
}

TEST_CASE("key: as a live value it is read by the recorded step", "[graph]") {
  const Comparison c = compare_steps(std::make_unique<ByLive>(), 2);
  CHECK(c.repeated == c.steps - 1);
  CHECK(c.difference == "");
  const Repeated run(std::make_unique<ByLive>());
  CHECK(run.state.graph->launched() == run.made - 1);
  CHECK(run.state.graph->notes().empty());
}

TEST_CASE("key: recorded work that asks the host for the number of the step is refused", "[graph]") {
  const Repeated run(std::make_unique<ByStep>());
  CHECK(run.state.graph->launched() == 0);
  const std::string text =
      "graph: a step cannot be captured: context.step was read, which changes in every step; pass what is computed "
      "from it as one of the method's live_values()";
  CHECK(run.state.graph->notes() == std::vector<std::string>{text + "; every kernel is launched by the host"});
  CHECK_THROWS_WITH(Repeated(std::make_unique<ByStep>(), GraphUse::on), ContainsSubstring(text));
}

TEST_CASE("key: a step that changes what the host keeps is refused", "[graph][errors]") {
  struct Counts : ByKept {
    Var loss(Tape& tape, const Batch& batch, const TrainContext& c) override {
      weight += 1;
      return clean_loss(tape, batch, c);
    }
  };
  Experiment e = test::tiny("{name: standard}");
  e.trainer.method = std::make_unique<Counts>();
  CHECK_THROWS_WITH(test::first_steps(e, 1),
                    "training: expected standard to keep 'kept.weight' as it is within a step, because a GPU replays "
                    "the step without the host, but it went from 1 to 2; change it in before_epoch() or after_step()");
}

TEST_CASE("key: live values keep their weight of every step", "[graph]") {
  Experiment live = test::tiny("{name: standard}"), kept = test::tiny("{name: standard}");
  live.trainer.method = std::make_unique<ByLive>();
  kept.trainer.method = std::make_unique<ByKept>();
  CHECK(test::first_steps(live, 10).numbers == test::first_steps(kept, 10).numbers);
}

TEST_CASE("key: a live value that was not put is named", "[graph][errors]") {
  struct Misspelt : ByLive {
    Var loss(Tape& tape, const Batch& batch, const TrainContext& c) override {
      return scale(tape, clean_loss(tape, batch, c), c.live("wieght"));
    }
  };
  struct None : ByKept {
    Var loss(Tape& tape, const Batch& batch, const TrainContext& c) override {
      return scale(tape, clean_loss(tape, batch, c), c.live("weight"));
    }
  };
  const auto step = [](std::unique_ptr<Trainer> method) {
    Experiment e = test::tiny("{name: standard}");
    e.trainer.method = std::move(method);
    test::first_steps(e, 1);
  };
  const std::string text = "live: expected a name that the method's live_values() put for this step, got '";
  CHECK_THROWS_WITH(step(std::make_unique<Misspelt>()), text + "wieght'; did you mean 'weight'? (known: ramp, weight)");
  CHECK_THROWS_WITH(step(std::make_unique<None>()), text + "weight'; it put none");
}
