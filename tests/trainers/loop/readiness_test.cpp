#include "trainers/loop/readiness.h"

#include "core/files/place_to_write.h"
#include "tests/fixtures/catch.h"
#include "tests/fixtures/run_fixture.h"
#include "tests/fixtures/training_fixture.h"

using namespace temper;

namespace {

using Set = std::vector<std::string>;
namespace fs = std::filesystem;

/// What is found of the images and the network of a short run.
std::vector<std::string> findings(const Set& set, const std::string& trainer = test::kPgdAt) {
  Experiment e = test::tiny(trainer, set);
  DataSplits data = read_splits(e);
  check_training_split(e, data);
  TrainingState state(e, std::move(data));
  check_state(state);
  return e.warnings;
}

void check_warned(const Set& set, const std::string& text) {
  INFO(set.front());
  const std::vector<std::string> found = findings(set);
  REQUIRE(found.size() == 1);
  CHECK_THAT(found.front(), ContainsSubstring(text));
}

int64_t size_of_run(const Set& set) {
  Experiment e = test::tiny(test::kPgdAt, set);
  TrainingState state(e, read_splits(e));
  return bytes_to_write(state);
}

}  // namespace

TEST_CASE("readiness: nothing is found in runs as they should be", "[training]") {
  for (const auto& [trainer, set] : test::every_method()) {
    INFO(trainer);
    CHECK(join(findings(set, trainer)) == "");
  }
}

TEST_CASE("readiness: a last batch of one image is refused under batch statistics", "[training][errors]") {
  // 49 images in batches of 8.
  CHECK_THROWS_WITH(findings({"data.count=61"}),
                    "loop.batch_size: 49 training images in batches of 8 leave a last batch of one, which BatchNorm "
                    "cannot normalise by its own statistics; set loop.last_batch: drop to leave it out, or another "
                    "batch size");
  CHECK(findings({"data.count=61", "loop.last_batch=drop"}).empty());
  CHECK(findings({"data.count=61", "loop.batch_size=9"}).empty());
  CHECK(findings({"data.count=61", "loop.batch_size=1"}).empty());
  CHECK(findings({"data.count=61", "model={name: sequential, layers: [{type: flatten}, {type: linear, out: 3}]}"})
            .empty());
}

TEST_CASE("readiness: steps and batches are held against the number of images", "[training][errors]") {
  check_warned({"loop.batch_size=100"}, "loop.batch_size: 100 is more than the 48 training images");
  // Epochs of 6 steps: the third has steps 13 to 18.
  CHECK(findings({"swa.start=3", "swa.every=6", "loop.select=swa"}).empty());
  check_warned({"swa.start=3", "swa.every=10"}, "swa.every: none of the steps 13 to 18 is a multiple of 10");
  CHECK_THROWS_WITH(findings({"swa.start=3", "swa.every=500", "loop.select=swa"}),
                    ContainsSubstring("so nothing is averaged, but loop.select: swa needs an average"));
  check_warned({"augment.crop_pad=8"}, "augment.crop_pad: 8 is probably a mistake: images are 8 x 8");
  check_warned({"model.freeze=['*']"}, "model.freeze: every parameter is frozen");
}

TEST_CASE("readiness: an L2 radius beyond every image is refused", "[training][errors]") {
  const std::string text =
      ".radius: expected at most 8 because no two images of 8 x 8 x 1 pixels in [0, 1] are further apart in L2, got 9";
  for (const std::string key : {"trainer.attack", "evaluation.validation", "evaluation.attacks.far"})
    CHECK_THROWS_WITH(findings({key + ".norm=l2", key + ".radius=9", key + ".step=1"}), ContainsSubstring(key + text));
  CHECK(findings({"trainer.attack.norm=l2", "trainer.attack.radius=8", "trainer.attack.step=1"}).empty());
}

TEST_CASE("readiness: training finds it before the folder is made", "[training][errors]") {
  const test::TemporaryFolder folder;
  const RunFolder run{folder.path() / "run"};
  test::Recorder recorder;
  for (const char* set : {"data.count=61", "data.classes_shown=1"}) {
    Experiment e = test::tiny(test::kPgdAt, {set});
    CHECK_THROWS_AS(run_training(e, run, recorder), Error);
    CHECK_FALSE(fs::exists(run.root));
  }
  Experiment e = test::tiny(test::kPgdAt, {"data.classes_shown=2", "loop.epochs=1", "optimizer.weight_decay=0.2"});
  run_training(e, run, recorder);
  REQUIRE(recorder.warnings.size() == 2);
  CHECK_THAT(recorder.warnings[0], ContainsSubstring("optimizer.weight_decay: 0.2 is probably a mistake"));
  CHECK(recorder.warnings[1] ==
        "no training image has class 2, of 3 in all; are labels numbered from 0, without gaps?");
}

TEST_CASE("readiness: a folder that cannot be written to is found", "[files][errors]") {
  const test::TemporaryFolder folder;
  check_writable(folder.path());
  check_writable(folder.path() / "new" / "run");
  CHECK(fs::is_empty(folder.path()));
  test::write_file(folder.path() / "file", "");
  CHECK_THROWS_WITH(
      check_writable(folder.path() / "file" / "run"),
      ContainsSubstring("/file/run: cannot be made, because ") && ContainsSubstring("/file is no folder"));
  CHECK_THROWS_WITH(check_writable(folder.path() / "file"), ContainsSubstring("is no folder"));
  // Nobody makes files there, not even root.
  CHECK_THROWS_WITH(check_writable("/proc/temper/run"),
                    ContainsSubstring("/proc/temper/run: cannot be written to: /proc"));
}

TEST_CASE("readiness: a disk without room is found, and what a run takes is known", "[files][errors]") {
  check_space("runs/a", 5 << 20, 5 << 20);
  CHECK_THROWS_WITH(
      check_space("runs/a", (5 << 20) + 1, 5 << 20),
      "runs/a: expected 6 MB of free disk space for checkpoints, weights and report, got 5 MB; make room, "
      "or choose another folder with --out");
  CHECK_THROWS_WITH(check_space(fs::temp_directory_path() / "temper" / "none", int64_t{1} << 60),
                    ContainsSubstring("free disk space"));

  // An average is twice in checkpoints and once in a file; without validation there are no best weights, of which two
  // are there while they are replaced.
  const int64_t plain = size_of_run({}), averaged = size_of_run({"ema.decay=0.9"});
  const int64_t weights = (averaged - plain) / 3;
  CHECK(weights > 0);
  CHECK(plain - size_of_run({"data.validation=0"}) == 2 * weights);

  const test::TemporaryFolder folder;
  const RunFolder run{folder.path() / "run"};
  test::Recorder recorder;
  Experiment e = test::tiny(test::kPgdAt, {"ema.decay=0.9", "loop.epochs=2"});
  run_training(e, run, recorder);
  CHECK(bytes_below(run.checkpoints()) > 3 * weights);
  CHECK(bytes_below(run.checkpoints()) <= averaged);
  CHECK(bytes_below(folder.path() / "none") == 0);
}
