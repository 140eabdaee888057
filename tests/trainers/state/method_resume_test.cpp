// A resume is exact, whatever the method.
#include <csignal>

#include "core/files/file.h"
#include "tests/fixtures/devices.h"
#include "tests/fixtures/training_fixture.h"

using namespace temper;

TEMPER_DEVICE_TEST("resume: every registered method ends with the same bits", "[resume]") {
  struct Stop : test::Recorder {
    void on_step(const StepReport& r) override {
      if (r.epoch == 2 && r.step == 3) std::raise(SIGTERM);
    }
  };
  for (const auto& [trainer, set] : test::every_method()) {
    INFO(trainer);
    const test::TemporaryFolder whole, cut;
    test::Recorder recorder;
    Stop stop;
    std::vector<std::string> all = test::on(device, set);
    all.push_back("loop.epochs=2");
    const auto train = [&](const test::TemporaryFolder& folder, Observer& observer, Resume resume) {
      Experiment e = test::tiny(trainer, all);
      const Outcome outcome = run_training(e, {folder.path()}, observer, resume).outcome;
      return std::pair{outcome, read_file(RunFolder{folder.path()}.last().string())};
    };
    const auto want = train(whole, recorder, Resume::no);
    CHECK(train(cut, stop, Resume::no).first == Outcome::interrupted);
    CHECK(train(cut, recorder, Resume::yes) == want);
  }
}
