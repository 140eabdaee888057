#include "trainers/records/run_lock.h"

#include <fstream>

#include "core/files/file.h"
#include "tests/fixtures/catch.h"
#include "tests/fixtures/run_fixture.h"
#include "tests/fixtures/training_fixture.h"

using namespace temper;
using test::Recorder;
using test::TemporaryFolder;

namespace {

TrainResult train(const RunFolder& run, Observer& observer, Resume resume = Resume::no) {
  Experiment e = test::tiny(test::kPgdAt, {"loop.epochs=2"});
  return run_training(e, run, observer, resume);
}

}  // namespace

TEST_CASE("a run folder has one process at a time, which is named", "[runs]") {
  const TemporaryFolder folder;
  const RunFolder run{folder.path() / "run"};
  {
    const RunLock lock(run);
    CHECK(lock.warning() == "");
    CHECK_THROWS_WITH(RunLock(run), ContainsSubstring(cat(run.root.string(), ": process ", ::getpid(), " on ")) &&
                                        ContainsSubstring("is using this folder; wait until it ends"));
    Recorder r;
    CHECK_THROWS_WITH(train(run, r), ContainsSubstring("is using this folder"));
    CHECK(std::filesystem::exists(run.lock()));
  }
  CHECK_FALSE(std::filesystem::exists(run.root));  // it was made for the lock, and nothing came of it
  std::filesystem::create_directories(run.checkpoints());
  test::write_file(run.lock(), "process 1 on a machine that was switched off");
  test::write_file(run.root / "metrics.jsonl.part12", "cut");
  test::write_file(run.checkpoints() / "last.safetensors.part12-1", "cut");
  { const RunLock lock(run); }
  CHECK(std::filesystem::is_empty(run.checkpoints()));
  CHECK(std::distance(std::filesystem::directory_iterator(run.root), {}) == 1);
}

TEST_CASE("a lock does not follow a link, nor wait for a pipe", "[runs][errors]") {
  const TemporaryFolder folder;
  const RunFolder run{folder.path() / "run"};
  std::filesystem::create_directories(run.root);
  test::write_file(folder.path() / "elsewhere", "kept");
  std::filesystem::create_symlink(folder.path() / "elsewhere", run.lock());
  CHECK_THROWS_WITH(RunLock(run), ContainsSubstring("the folder of a run cannot be written"));
  CHECK(std::filesystem::file_size(folder.path() / "elsewhere") == 4);
  test::write_file(folder.path() / "file", "");
  CHECK_THROWS_WITH(RunLock(RunFolder{folder.path() / "file"}), ContainsSubstring("cannot be"));
}

TEST_CASE("a run whose folder is moved away ends with an error", "[runs][errors]") {
  const TemporaryFolder folder;
  const RunFolder run{folder.path() / "run"};
  struct Moving : Recorder {
    std::filesystem::path from, to;
    void on_step(const StepReport& r) override {
      Recorder::on_step(r);
      if (r.epoch == 2 && r.step == 3) std::filesystem::rename(from, to);
    }
  } moving;
  moving.from = run.root;
  moving.to = folder.path() / "moved";
  CHECK_THROWS_WITH(
      train(run, moving),
      ContainsSubstring(run.root.string() + ": the folder of this run was moved or removed while it ran; put "
                                            "it back where it was and continue with --resume"));
  CHECK_FALSE(std::filesystem::exists(run.root));
  std::filesystem::rename(moving.to, run.root);
  Recorder r;
  CHECK(train(run, r, Resume::yes).outcome == Outcome::finished);
}

TEST_CASE("a resume keeps the history until the new one is written, and says what is missing of it", "[runs]") {
  const TemporaryFolder folder;
  const RunFolder run{folder.path() / "run"};
  Recorder r;
  train(run, r);
  const std::string whole = read_text(run.metrics().string());
  {
    std::ofstream cut(run.metrics(), std::ios::app);
    cut << "{\"event\":\"step\",\"epo";
  }
  train(run, r, Resume::yes);
  CHECK(read_text(run.metrics().string()) == whole);
  CHECK(r.warnings.empty());
  test::write_file(run.metrics(), "");
  train(run, r, Resume::yes);
  REQUIRE(r.warnings.size() == 1);
  CHECK_THAT(r.warnings[0], ContainsSubstring("metrics.jsonl: holds records of 0 of the 2 epochs that this run has "
                                              "trained; those of the others are lost"));
  test::write_file(run.metrics(), "{\"event\":\"step\",\"epoch\":\"x\"}\n");
  CHECK_THROWS_WITH(train(run, r, Resume::yes),
                    ContainsSubstring("metrics.jsonl line 1: 'epoch' should be a count, got \"x\""));
}
