#include "core/files/file.h"
#include "source_dir.h"
#include "tests/fixtures/catch.h"
#include "tests/fixtures/training_fixture.h"

// tests/data/released/VERSION holds runs that a released version of Temper began and was told to end (SIGTERM), with
// the images they train on. Every later version continues them. A release that writes something new adds its own.

using namespace temper;
using test::Recorder;
using test::TemporaryFolder;

namespace {

const std::filesystem::path kReleased = std::filesystem::path(TEMPER_SOURCE_DIR) / "tests/data/released";

// A copy of the run, continued to its end.
struct Continued {
  TemporaryFolder folder;
  RunFolder run{folder.path() / "run"};
  Recorder seen;
  TrainResult result;

  Continued(const std::string& version, const std::string& name) {
    std::filesystem::copy(kReleased / version / name, run.root, std::filesystem::copy_options::recursive);
    const std::string data = "data.path=" + (kReleased / version / "stripes.npz").string();
    Experiment e = read_experiment(load_config(run.config().string(), {data}));
    result = run_training(e, run, seen, Resume::yes);
  }
};

}  // namespace

TEST_CASE("releases: 0.1.0's natural training, with both averages, ends as it would have there", "[resume]") {
  const Continued c("0.1.0", "standard");
  CHECK(c.result.outcome == Outcome::finished);
  REQUIRE(c.seen.warnings.size() == 1);
  CHECK_THAT(c.seen.warnings[0], ContainsSubstring("begun by a version that stored no fingerprint of its images"));
  REQUIRE(c.seen.epochs.size() == 7);
  CHECK(c.seen.epochs.front().epoch == 6);
  // The last line of metrics.csv of the same run in 0.1.0, not interrupted.
  CHECK(c.seen.epochs.back().train_loss == Approx(0.197642).epsilon(1e-3));
  CHECK(c.seen.epochs.back().lr == Approx(0.1));
  CHECK(std::filesystem::exists(c.run.ema()));
  CHECK(std::filesystem::exists(c.run.swa()));
}

TEST_CASE("releases: 0.1.0's CURE, with the state of its method, goes on", "[resume]") {
  const Continued c("0.1.0", "cure");
  CHECK(c.result.outcome == Outcome::finished);
  REQUIRE(c.seen.epochs.size() == 6);
  CHECK(c.seen.epochs.front().epoch == 7);
  CHECK(c.seen.epochs.back().train_loss == Approx(0.61866).epsilon(0.05));
  CHECK(read_lines(c.run.epochs_csv().string()).size() == 13);
}
