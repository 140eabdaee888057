// Random numbers by name: two users of one step never draw the same.
#include "kernels/runtime/rng_stream.h"

#include <set>

#include "attacks/pgd.h"
#include "tests/fixtures/devices.h"
#include "tests/fixtures/tensors.h"
#include "tests/fixtures/training_fixture.h"
#include "trainers/trainer.h"

using namespace temper;

namespace {

/// Attacks every batch twice, with no step, so that the images found are the random starts.
struct TwoAttacks : Trainer {
  std::string first, second;  ///< names of their random numbers
  std::vector<std::vector<float>> starts;

  TwoAttacks(std::string first, std::string second) : first(std::move(first)), second(std::move(second)) {}
  Var loss(Tape& tape, const Batch& batch, const TrainContext& c) override {
    const Pgd pgd({.radius = 0.1, .steps = 0});
    const Classifier classifier(c.model, Pass::eval());
    starts.clear();
    for (const std::string& name : {first, second})
      starts.push_back(test::values_of<float>(c.engine, pgd.run({c.engine, batch, classifier, c.random(name)}).images));
    return cross_entropy(tape, c.model(tape, tape.input(batch.images), Pass::train()), batch.labels);
  }
};

Experiment with_two_attacks(Device device, const std::string& first, const std::string& second) {
  Experiment e = test::tiny("{name: standard}", test::on(device, {"graph=off"}));
  e.trainer.method = std::make_unique<TwoAttacks>(first, second);
  return e;
}

struct Setup {
  Experiment experiment;
  TrainingState state;
  explicit Setup(Device device, const std::string& first = "one", const std::string& second = "two")
      : experiment(with_two_attacks(device, first, second)), state(experiment, read_splits(experiment)) {}
  const std::vector<std::vector<float>>& starts() {
    return dynamic_cast<TwoAttacks&>(*experiment.trainer.method).starts;
  }
};

bool equal(const RngKey& a, const RngKey& b) {
  const Philox4 x = random_words(a, 3, 1), y = random_words(b, 3, 1);
  return std::equal(x.x, x.x + 4, y.x);
}

}  // namespace

TEST_CASE("random streams: names, substreams and steps tell them apart", "[rng]") {
  const RngStream stream(7, 2);
  CHECK(equal(stream.key(), {.seed = 7, .stream_id = RngStreamId::attack, .step = 2}));
  CHECK(equal(stream.key(4), {.seed = 7, .stream_id = RngStreamId::attack, .step = 2, .substream = 4}));
  CHECK(equal(stream.derive("a").key(4), RngStream(7, 2).derive("a").key(4)));
  std::set<uint64_t> seeds = {7};
  for (const RngStream& s : {stream.derive("a"), stream.derive("b"), stream.derive(""), stream.derive("a").derive("a"),
                             stream.derive("aa"), RngStream(8, 2).derive("a")})
    seeds.insert(s.key().seed);
  CHECK(seeds.size() == 7);
  CHECK(!equal(stream.derive("a").key(), RngStream(7, 3).derive("a").key()));
}

TEMPER_DEVICE_TEST("random streams: two attacks of one step start elsewhere", "[trainers][rng]") {
  Setup s(device);
  s.state.progress.epoch = 1;
  train_step(s.state, "none");
  REQUIRE(s.starts().size() == 2);
  const auto before = s.starts();
  CHECK(before[0] != before[1]);
  train_step(s.state, "none");  // asks for the names again
  CHECK(s.starts()[0] != before[0]);
}

TEST_CASE("random streams: one name twice in a step is refused", "[trainers][rng][errors]") {
  Setup s(Device::cpu, "one", "one");
  s.state.progress.epoch = 1;
  CHECK_THROWS_WITH(train_step(s.state, "none"),
                    "random: this step has asked for the random numbers 'one' before, and would draw the same again; "
                    "give each attack and each draw of a step its own name");
}

TEST_CASE("random streams: 'attack' draws what attacks drew before streams had names", "[trainers][rng]") {
  Setup s(Device::cpu, "attack");
  TrainContext context = s.state.context();
  context.epoch = 4;
  CHECK(equal(context.random("attack").key(),
              {.seed = s.state.engine.seed(), .stream_id = RngStreamId::attack, .step = 4}));
  CHECK(!equal(context.random("other").key(), RngKey{.seed = s.state.engine.seed(), .step = 4}));
}
