#include <csignal>

#include "core/files/file.h"
#include "tests/fixtures/devices.h"
#include "tests/fixtures/training_fixture.h"

using namespace temper;

namespace {

std::string las(const std::string& more) {
  return "{name: las_at, attack: {steps: 2}, judge: {radius: 0.05, step: 0.02, steps: 2}, policy: {model: {name: "
         "test_net}, optimizer: {lr: 0.01, momentum: 0.9}, every: 2}" +
         more + "}";
}

}  // namespace

TEMPER_DEVICE_TEST("las_at: with a radius of 0 alone it is natural training", "[extension][trainers]") {
  const auto losses = [&](const std::string& trainer) {
    Experiment e = test::tiny(trainer, test::on(device));
    return test::first_steps(e, 4).losses;
  };
  const std::string smooth = "label_smoothing: 0.25";
  CHECK(losses(las(", radii: [0], steps: [0.01], " + smooth)) == losses("{name: standard, " + smooth + "}"));
  CHECK(losses(las(", radii: [0.1], steps: [0.05], " + smooth)) != losses("{name: standard, " + smooth + "}"));
}

TEMPER_DEVICE_TEST("las_at: the policy learns every so many steps, at its own rate, and the reward is on record",
                   "[extension][trainers]") {
  Experiment e = test::tiny(las(""), test::on(device));
  TrainingState state(e, read_splits(e));
  const std::vector<MethodPart> parts = e.trainer.method->parts();
  REQUIRE(parts.size() == 1);
  std::vector<std::vector<double>> before = test::arrays_of(parts[0].weights->params);
  for (int64_t step = 1; step <= 6; ++step) {
    const StepNumbers n = train_step(state, "none");
    const auto after = test::arrays_of(parts[0].weights->params);
    CHECK((after != before) == (step % 2 == 0));
    CHECK(n.logged.size() == (step % 2 == 0 ? 2 : 1));
    if (step % 2 == 0) {
      CHECK(n.logged[1].first == "reward");
      CHECK(n.logged[1].second > 0);
      CHECK(n.logged[1].second <= 16);
    }
    before = after;
  }
}

TEMPER_DEVICE_TEST("las_at: stopped and resumed, network and policy end with the same bits", "[extension][resume]") {
  struct Stop : test::Recorder {
    void on_step(const StepReport& r) override {
      if (r.epoch == 2 && r.step == 3) std::raise(SIGTERM);
    }
  } stop;
  test::Recorder recorder;
  const test::TemporaryFolder whole, cut;
  const auto train = [&](const test::TemporaryFolder& folder, Observer& observer, Resume resume) {
    Experiment e = test::tiny(las(""), test::on(device));
    run_training(e, {folder.path()}, observer, resume);
    return read_file(RunFolder{folder.path()}.last().string());
  };
  const auto want = train(whole, recorder, Resume::no);
  CHECK(train(cut, stop, Resume::no) != want);
  CHECK(train(cut, recorder, Resume::yes) == want);
}
