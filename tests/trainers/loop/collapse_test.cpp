#include "trainers/loop/loop.h"

#include <fstream>

#include "core/files/json.h"
#include "tests/fixtures/devices.h"
#include "tests/fixtures/loop_fixture.h"
#include "trainers/state/state_copy.h"

using namespace temper;
using test::last_checkpoint;
using test::Recorder;
using test::Signalling;
using test::TemporaryFolder;
using test::train;

namespace {

/// Good until epoch 9; then a rate that ruins the network within a few steps.
std::vector<std::string> ruined(std::vector<std::string> more) {
  more.insert(more.end(), {"loop.epochs=10", "loop.eval_every=20", "evaluation.validation.radius=0.02",
                           "schedule={name: piecewise, epochs: [1, 10], rates: [0.05, 20]}", "loop.probe.every=2"});
  return more;
}

std::vector<double> probes(const TemporaryFolder& folder) {
  std::ifstream metrics(RunFolder{folder.path()}.metrics());
  std::vector<double> robust;
  for (std::string line; std::getline(metrics, line);)
    if (const auto j = parse_json(line); j.at("event") == "probe") robust.push_back(j.at("robust"));
  return robust;
}

}  // namespace

TEST_CASE("probe: stops a run in the middle of an epoch, and a resume does not go on") {
  const TemporaryFolder folder;
  Recorder r, again;
  const std::vector<std::string> set = ruined({"loop.on_collapse=stop"});
  const TrainResult result = train(folder.path(), r, Resume::no, set);
  CHECK(result.outcome == Outcome::collapse);
  CHECK(r.steps.size() > 9 * 6);
  CHECK(r.steps.size() < 10 * 6);
  CHECK(r.steps.size() % 2 == 0);
  CHECK(probes(folder).size() == r.steps.size() / 2);
  REQUIRE(!r.warnings.empty());
  CHECK_THAT(r.warnings.back(), ContainsSubstring("robust accuracy on 12 validation images after step ") &&
                                    ContainsSubstring("fell from") && ContainsSubstring("the best probe"));
  CHECK(train(folder.path(), again, Resume::yes, set).outcome == Outcome::collapse);
  CHECK(again.steps.empty());
}

TEST_CASE("probe: measures nothing that changes the run") {
  const TemporaryFolder with, without;
  Recorder a, b;
  train(with.path(), a, Resume::no, {"loop.probe.every=1", "loop.probe.split=train", "loop.probe.images=9"});
  train(without.path(), b);
  REQUIRE(a.steps.size() == b.steps.size());
  for (size_t i = 0; i < a.steps.size(); ++i) CHECK(a.steps[i].loss == b.steps[i].loss);
  CHECK(probes(with).size() == a.steps.size());
}

TEMPER_DEVICE_TEST("roll_back: the run goes on from its last good state, and a resume has the same bits", "[resume]") {
  const TemporaryFolder whole, cut, left;
  Recorder r, plain, rest;
  Signalling stop(SIGTERM, 10, 3);
  const std::vector<std::string> set =
      test::on(device, ruined({"loop.on_collapse=roll_back", "ema.decay=0.9", "loop.probe.split=train"}));
  CHECK(train(whole.path(), r, Resume::no, set).outcome == Outcome::finished);
  CHECK(r.steps.size() == 10 * 6);
  REQUIRE(!r.warnings.empty());
  CHECK_THAT(r.warnings.back(), ContainsSubstring("the run goes on from its last good state (roll-back "));
  const std::vector<double> robust = probes(whole);
  CHECK(*std::max_element(robust.end() - 3, robust.end()) >= 0);
  train(cut.path(), stop, Resume::no, set);
  train(cut.path(), rest, Resume::yes, set);
  CHECK(last_checkpoint(whole.path()) == last_checkpoint(cut.path()));
  // Without it the weights of the end are others.
  train(left.path(), plain, Resume::no, test::on(device, ruined({"ema.decay=0.9", "loop.probe.split=train"})));
  CHECK(r.steps.back().loss < plain.steps.back().loss);
}

TEST_CASE("roll_back: a run that was begun without it can go on with it") {
  const TemporaryFolder folder;
  Signalling stop(SIGTERM, 9, 3);
  Recorder r;
  train(folder.path(), stop, Resume::no, ruined({"loop.on_collapse=warn"}));
  CHECK(train(folder.path(), r, Resume::yes, ruined({"loop.on_collapse=roll_back"})).outcome == Outcome::finished);
  REQUIRE(!r.warnings.empty());
  CHECK_THAT(r.warnings.back(), ContainsSubstring("(roll-back "));
}

TEST_CASE("state_copy: everything that is listed comes back") {
  Experiment e = test::tiny(test::kPgdAt, {"ema.decay=0.9", "swa.start=1", "swa.every=1"});
  TrainingState state(e, read_splits(e));
  StateCopy copy([&](StateVisitor& v) { state.visit_trained(v); });
  const auto all = [&] {
    std::vector<std::vector<double>> out = test::arrays_of(state.network->weights().params);
    for (const ParamBuffer* b : {&state.network->weights().buffers, &state.ema->weights().params})
      for (const auto& array : test::arrays_of(*b)) out.push_back(array);
    out.push_back({static_cast<double>(state.swa->count())});
    return out;
  };
  const auto before = all();
  train_step(state, "none");
  CHECK(all() != before);
  copy.put_back();
  CHECK(all() == before);
}

TEST_CASE("probe and roll_back: what contradicts itself is refused") {
  const auto with = [](const std::vector<std::string>& set) { return [=] { test::tiny(test::kPgdAt, set); }; };
  CHECK_THROWS_WITH(with({"loop.probe.every=2", "data.validation=0"})(),
                    ContainsSubstring("loop.probe.split: validation has no images, because data.validation is 0; set "
                                      "loop.probe.split: train"));
  CHECK_THROWS_WITH(with({"loop.on_collapse=roll_back", "loop.collapse=0"})(),
                    ContainsSubstring("loop.on_collapse: roll_back never happens, because loop.collapse is 0"));
  CHECK_THROWS_WITH(with({"loop.probe.images=0"})(), ContainsSubstring("loop.probe.images: expected 1 or more, got 0"));
}
