// Runs that are stopped, killed or finished, and continued.
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>

#include "core/files/json.h"

#include "tests/fixtures/devices.h"
#include "tests/fixtures/loop_fixture.h"

using namespace temper;
using test::kEverything;
using test::last_checkpoint;
using test::Recorder;
using test::Signalling;
using test::TemporaryFolder;
using test::train;

namespace {

constexpr const char* kChildFolder = "TEMPER_TEST_CHILD_FOLDER";

// This very program again, as a child that trains in `folder` until its observer kills it. Not fork alone: threads
// do not survive it.
int run_child(const std::filesystem::path& folder) {
  ::setenv(kChildFolder, folder.c_str(), 1);
  const pid_t child = ::fork();
  if (child == 0) {
    ::execl("/proc/self/exe", "temper_tests", "a child that is killed while it trains", nullptr);
    ::_exit(127);
  }
  ::unsetenv(kChildFolder);
  int status = 0;
  ::waitpid(child, &status, 0);
  return status;
}

}  // namespace

TEST_CASE("a child that is killed while it trains", "[.child]") {
  const char* folder = std::getenv(kChildFolder);
  if (!folder) return;
  Signalling kill(SIGKILL, 2, 5);
  train(folder, kill, Resume::no, kEverything);
}

TEST_CASE("loop: killed in mid-epoch and resumed, a run ends with the same bits") {
  const TemporaryFolder whole, killed;
  Recorder a, b;
  train(whole.path(), a, Resume::no, kEverything);
  const int status = run_child(killed.path());
  REQUIRE(WIFSIGNALED(status));
  CHECK(WTERMSIG(status) == SIGKILL);
  const TrainResult result = train(killed.path(), b, Resume::yes, kEverything);
  CHECK(result.outcome == Outcome::finished);
  CHECK(b.starts.at(0).epoch == 2);
  CHECK(b.starts.at(0).step == 4);  // checkpoints after steps 2, 4
  CHECK(last_checkpoint(whole.path()) == last_checkpoint(killed.path()));
  for (const char* file : {"best", "ema", "swa"}) {
    const std::string name = std::string("checkpoints/") + file + ".safetensors";
    CHECK(read_file((whole.path() / name).string()) == read_file((killed.path() / name).string()));
  }
  CHECK(b.epochs.back().train_loss == a.epochs.back().train_loss);
}

TEST_CASE("loop: a resume that finds the last checkpoint damaged continues from the previous one") {
  const TemporaryFolder whole, cut;
  Recorder a, b;
  train(whole.path(), a, Resume::no, kEverything);
  Signalling stop(SIGTERM, 2, 5);
  train(cut.path(), stop, Resume::no, kEverything);
  std::filesystem::resize_file(RunFolder{cut.path()}.last(), 1000);
  train(cut.path(), b, Resume::yes, kEverything);
  REQUIRE(b.warnings.size() == 1);
  CHECK_THAT(b.warnings[0], ContainsSubstring("continuing from the previous checkpoint"));
  CHECK(b.starts.at(0).step == 4);
  CHECK(last_checkpoint(whole.path()) == last_checkpoint(cut.path()));
}

TEMPER_DEVICE_TEST("loop: SIGTERM finishes the step, saves, and the resumed run ends with the same bits", "[resume]") {
  const std::vector<std::string> set = test::on(device, kEverything);
  const TemporaryFolder whole, cut;
  Recorder a, b;
  train(whole.path(), a, Resume::no, set);
  Signalling stop(SIGTERM, 2, 3);
  const TrainResult first = train(cut.path(), stop, Resume::no, set);
  CHECK(first.outcome == Outcome::interrupted);
  CHECK(first.end.outcome == "interrupted");
  CHECK(stop.steps.back().step == 3);
  CHECK(stop.steps.back().epoch == 2);
  CHECK(train(cut.path(), b, Resume::yes, set).outcome == Outcome::finished);
  CHECK(b.steps.front().step == 4);
  CHECK(last_checkpoint(whole.path()) == last_checkpoint(cut.path()));

  // The metrics tell one story, without repeated or missing steps.
  std::ifstream in(RunFolder{cut.path()}.metrics());
  std::vector<std::pair<int64_t, int64_t>> steps;
  for (std::string line; std::getline(in, line);) {
    const auto j = parse_json(line);
    if (j.at("event") == "step") steps.emplace_back(j.at("epoch"), j.at("step"));
  }
  REQUIRE(steps.size() == 18);
  for (int64_t i = 0; i < 18; ++i) CHECK(steps[i] == std::pair<int64_t, int64_t>(i / 6 + 1, i % 6 + 1));
}

TEST_CASE("loop: SIGINT during validation leaves the epoch open; it is validated once, after the resume") {
  struct InValidation : Recorder {
    void on_evaluate(const std::string&, int64_t, int64_t) override {
      if (epochs.size() == 1) std::raise(SIGINT);
    }
  };
  const TemporaryFolder whole, cut;
  Recorder a, b;
  train(whole.path(), a);
  InValidation stop;
  CHECK(train(cut.path(), stop).outcome == Outcome::interrupted);
  CHECK(stop.epochs.size() == 1);
  train(cut.path(), b, Resume::yes);
  CHECK(b.epochs.size() == 2);
  CHECK(last_checkpoint(whole.path()) == last_checkpoint(cut.path()));
}

TEST_CASE("loop: keys that came after a run was begun stand for their defaults when it is resumed") {
  const TemporaryFolder folder;
  Recorder r;
  Experiment e = test::tiny(test::kPgdAt, {"loop.epochs=1"});
  e.resolved.erase("exact");
  e.resolved["optimizer"].erase("nesterov");
  run_training(e, {folder.path()}, r, Resume::no);
  CHECK_THROWS_WITH(train(folder.path(), r, Resume::yes, {"loop.epochs=2", "optimizer.nesterov=true"}),
                    ContainsSubstring("it differs in\n  optimizer.nesterov: false -> true\n"));
  CHECK(train(folder.path(), r, Resume::yes, {"loop.epochs=2"}).end.epochs == 2);
}

TEST_CASE("loop: a finished run resumed does nothing; one stopped before its first checkpoint starts over") {
  const TemporaryFolder folder, killed;
  Recorder a, b, c;
  train(folder.path(), a);
  const std::vector<char> before = last_checkpoint(folder.path());
  CHECK(train(folder.path(), b, Resume::yes).outcome == Outcome::finished);
  CHECK(b.steps.empty());
  CHECK(last_checkpoint(folder.path()) == before);
  std::filesystem::remove_all(RunFolder{folder.path()}.checkpoints());
  train(folder.path(), c, Resume::yes);
  CHECK_THAT(c.warnings.at(0), ContainsSubstring("stopped before its first checkpoint; starting from the beginning"));
  CHECK(last_checkpoint(folder.path()) == before);
}
