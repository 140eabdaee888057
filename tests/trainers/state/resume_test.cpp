// What a resumed run may not contradict: its images, its starting weights, the epochs that are made.
#include "trainers/state/resume.h"
#include "core/files/json.h"

#include <csignal>
#include <fstream>

#include "core/files/file.h"
#include "core/files/safetensors.h"
#include "tests/fixtures/catch.h"
#include "tests/fixtures/training_fixture.h"

using namespace temper;
using test::Recorder;
using test::TemporaryFolder;

namespace {

// What a data set's files hold changes while its configuration stays.
struct Changing {
  int64_t count = 60;
  int brighter = 0;
  bool relabelled = false;
  std::vector<std::string> names = {};
} now;

struct ChangingReader : DatasetReader {
  ImageSet train() const override {
    ImageSet set = Registry<DatasetReader>::instance().make("test_stripes")->train();
    std::vector<int64_t> first(static_cast<size_t>(now.count));
    for (int64_t i = 0; i < now.count; ++i) first[static_cast<size_t>(i)] = i % set.size();
    set = set.subset(first);
    set.pixels[100] = static_cast<uint8_t>(set.pixels[100] + now.brighter);
    if (now.relabelled) std::swap(set.labels[0], set.labels[1]);
    set.class_names = now.names;
    return set;
  }
  ImageSet test() const override { return train(); }
};

TEMPER_REGISTER(DatasetReader, ChangingReader, "test_changing", "for tests");

struct Run {
  TemporaryFolder folder;
  RunFolder files{folder.path()};
  Recorder recorder;
  std::vector<std::string> always = {"data.name=test_changing"};

  TrainResult train(const std::vector<std::string>& set, Resume resume) {
    std::vector<std::string> all = always;
    all.insert(all.end(), set.begin(), set.end());
    Experiment e = test::tiny("{name: standard}", all);
    return run_training(e, files, recorder, resume);
  }
  void begin(const std::vector<std::string>& set) { train(set, Resume::no); }
  TrainResult resume(const std::vector<std::string>& set) { return train(set, Resume::yes); }
  // A refused resume leaves the folder as it was.
  std::string refusal(const std::vector<std::string>& set) {
    const auto state = [&] {
      return std::tuple(read_file(files.config().string()), read_file(files.last().string()),
                        read_file(files.metrics().string()), read_file(files.inputs().string()));
    };
    const auto before = state();
    std::string text;
    try {
      resume(set);
    } catch (const Error& e) {
      text = e.what();
    }
    CHECK(before == state());
    return text;
  }
};

}  // namespace

TEST_CASE("resume: on other images, labels or another split it is refused, whatever the path", "[resume]") {
  Run run;
  now = {};
  run.begin({"loop.epochs=1"});
  const auto refusal = [&](Changing with) {
    now = with;
    const std::string text = run.refusal({"loop.epochs=2"});
    now = {};
    return text;
  };
  CHECK_THAT(refusal({.count = 48}), ContainsSubstring("resume: the data are not those of ") &&
                                         ContainsSubstring("training images: 60 images -> 48 images\n") &&
                                         ContainsSubstring("resume with the run's own data"));
  CHECK_THAT(refusal({.brighter = 1}), ContainsSubstring("training images: other pixels: "));
  CHECK_THAT(refusal({.relabelled = true}), ContainsSubstring("training images: other labels: "));
  CHECK_THAT(run.refusal({"loop.epochs=2", "data.validation=9"}), ContainsSubstring("data.validation: 12 -> 9"));
  CHECK(run.resume({"loop.epochs=2"}).end.epochs == 2);
  const auto record = parse_json(read_text(run.files.inputs()));
  CHECK(record["train"]["count"] == 60);
  CHECK(record["validation"]["count"] == 12);
}

TEST_CASE("resume: with classes of other names it is refused", "[resume]") {
  Run run;
  now = {.names = {"across", "down", "disc"}};
  run.begin({"loop.epochs=1"});
  now.names = {"across", "disc", "down"};
  CHECK_THAT(run.refusal({"loop.epochs=2"}), ContainsSubstring("training images: other class names: "));
  now = {};
}

TEST_CASE("resume: from another file of starting weights under the same name it is refused", "[resume]") {
  now = {};
  Run first, second;
  first.begin({"loop.epochs=1"});
  const std::string file = second.folder.file("start.safetensors");
  std::filesystem::copy_file(first.files.best(), file);
  second.always.push_back("model.weights=" + file);
  second.begin({"loop.epochs=1"});
  first.resume({"loop.epochs=2"});
  std::filesystem::copy_file(first.files.last(), file, std::filesystem::copy_options::overwrite_existing);
  CHECK_THAT(second.refusal({"loop.epochs=2"}), ContainsSubstring("file of starting weights: "));
}

TEST_CASE("resume: a run that has no record of its images goes on with a warning", "[resume]") {
  now = {};
  Run run;
  run.begin({"loop.epochs=1"});
  Safetensors last = load_safetensors(run.files.last().string());
  last.metadata.erase("inputs");
  save_safetensors(run.files.last().string(), last.arrays, last.metadata);
  run.resume({"loop.epochs=2"});
  REQUIRE(run.recorder.warnings.size() == 1);
  CHECK_THAT(run.recorder.warnings[0], ContainsSubstring("stored no fingerprint of its images"));
  run.resume({"loop.epochs=3"});  // now there is one
  CHECK(run.recorder.warnings.size() == 1);
}

TEST_CASE("resume: fewer epochs than are begun are refused before anything is written", "[resume]") {
  now = {};
  Run run;
  run.begin({"loop.epochs=3"});
  CHECK_THAT(run.refusal({"loop.epochs=1"}),
             ContainsSubstring("holds a run that has begun epoch 3, but loop.epochs is 1; resume with 3 or more"));
  CHECK(run.resume({"loop.epochs=3"}).end.epochs == 3);
  CHECK(run.resume({"loop.epochs=4"}).end.epochs == 4);

  // In the middle of an epoch that epoch counts.
  struct Stop : Recorder {
    void on_step(const StepReport& r) override {
      if (r.epoch == 3 && r.step == 2) std::raise(SIGTERM);
    }
  } stop;
  const TemporaryFolder cut;
  Experiment whole = test::tiny("{name: standard}"), two = test::tiny("{name: standard}", {"loop.epochs=2"});
  CHECK(run_training(whole, {cut.path()}, stop).outcome == Outcome::interrupted);
  CHECK_THROWS_WITH(run_training(two, {cut.path()}, stop, Resume::yes), ContainsSubstring("has begun epoch 3"));
}

TEST_CASE("resume: more or fewer epochs are refused where the steps made would have had other rates", "[resume]") {
  now = {};
  for (const char* setting : {"schedule={name: cosine}", "schedule={name: one_cycle}",
                              "schedule={name: fractions, between: linear, at: [0, 1], factors: [1, 0.1]}",
                              "optimizer.groups=[{parameters: ['fc.*'], schedule: {name: cosine}}]"}) {
    CAPTURE(setting);
    Run run;
    run.always.push_back(setting);
    run.begin({"loop.epochs=2"});
    CHECK_THAT(run.refusal({"loop.epochs=4"}), ContainsSubstring("resume: loop.epochs 2 -> 4: the schedule '") &&
                                                   ContainsSubstring("spreads its rates over loop.epochs, and step ") &&
                                                   ContainsSubstring("resume with loop.epochs: 2, or start a new run"));
    CHECK(run.resume({"loop.epochs=2"}).end.epochs == 2);
  }
  // Rates by epoch stay what they were, and so do shares of the run that are not reached yet.
  for (const char* schedule :
       {"{name: steps, milestones: [2]}", "{name: piecewise, epochs: [1, 2], rates: [0.1, 0.01]}",
        "{name: fractions, at: [0, 0.9], factors: [1, 0.1]}"}) {
    CAPTURE(schedule);
    struct Stop : Recorder {
      void on_epoch(const EpochReport& r) override {
        if (r.epoch == 1) std::raise(SIGTERM);
      }
    } stop;
    const TemporaryFolder cut, uncut;
    Recorder r;
    const std::vector<std::string> two = {std::string("schedule=") + schedule, "loop.epochs=2"},
                                   four = {two[0], "loop.epochs=4"};
    Experiment begun = test::tiny("{name: standard}", two), longer = test::tiny("{name: standard}", four),
               at_once = test::tiny("{name: standard}", four);
    CHECK(run_training(begun, {cut.path()}, stop).outcome == Outcome::interrupted);
    run_training(longer, {cut.path()}, r, Resume::yes);
    run_training(at_once, {uncut.path()}, r);
    CHECK(read_file(RunFolder{cut.path()}.last().string()) == read_file(RunFolder{uncut.path()}.last().string()));
  }
}

TEST_CASE("resume: an epoch that was not validated cannot become the last", "[resume]") {
  now = {};
  struct Stop : Recorder {
    void on_epoch(const EpochReport& r) override {
      if (r.epoch == 3) std::raise(SIGTERM);
    }
  } stop;
  Run run;
  Experiment e = test::tiny("{name: standard}", {"data.name=test_changing", "loop.epochs=6", "loop.eval_every=2"});
  CHECK(run_training(e, run.files, stop).outcome == Outcome::interrupted);
  CHECK_THAT(run.refusal({"loop.epochs=3", "loop.eval_every=2"}),
             ContainsSubstring("loop.epochs 6 -> 3: epoch 3 was not validated, as a run's last epoch is"));
  CHECK(run.resume({"loop.epochs=4", "loop.eval_every=2"}).end.epochs == 4);
}
