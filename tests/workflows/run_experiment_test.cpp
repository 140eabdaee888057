#include "workflows/run_experiment.h"

#include <csignal>

#include "core/files/file.h"
#include "tests/fixtures/catch.h"
#include "tests/fixtures/loop_fixture.h"
#include "trainers/records/epoch_table.h"
#include "trainers/records/run_config.h"
#include "trainers/records/run_environment.h"
#include "trainers/records/run_files.h"
#include "trainers/records/run_inputs_json.h"
#include "workflows/report/run.h"

using namespace temper;
using test::TemporaryFolder;

namespace {

Experiment testable(const std::vector<std::string>& more = {}) {
  std::vector<std::string> set = {"data={name: test_testable, validation: 12}",
                                  "evaluation.attacks={pgd20: {name: pgd, steps: 2}, cw: {name: cw_linf, steps: 2}}"};
  set.insert(set.end(), more.begin(), more.end());
  return test::tiny(test::kPgdAt, set);
}

/// Keeps the order of what it is told.
struct Told : test::Recorder {
  std::vector<std::string> order;
  double train_seconds = -1;
  void on_start(const StartReport&) override { order.push_back("start"); }
  void on_end(const EndReport&) override { order.push_back("end"); }
  void on_test(const EndReport& r) override {
    order.push_back("test");
    train_seconds = r.train_seconds;
  }
  void on_evaluate(const std::string& what, int64_t done, int64_t total) override {
    if (done == total && what != "validation") order.push_back(what);
  }
};

}  // namespace

TEST_CASE("run_experiment: trains, tests and reports", "[workflows]") {
  const TemporaryFolder folder;
  const RunFolder run{folder.path() / "run"};
  Experiment e = testable();
  CHECK(run_state(e, run) == RunState::absent);
  Told told;
  const RunResult result = run_experiment(e, run, told, {.program = "my program"});
  CHECK(run_state(e, run) == RunState::complete);
  REQUIRE(result.training);
  REQUIRE(result.test);
  CHECK(told.order == std::vector<std::string>{"start", "end", "test", "clean", "pgd20", "cw"});
  CHECK(told.train_seconds == result.training->end.train_seconds);

  const Evaluation& evaluation = result.test->evaluation;
  REQUIRE(evaluation.rows.size() == 3);
  CHECK(evaluation.rows[0].label == "clean");
  CHECK(evaluation.rows[0].total == 10);
  CHECK(evaluation.nrr_attack == "cw");
  CHECK(evaluation.nrr == natural_robust_ratio(evaluation.rows[0].percent, evaluation.rows[2].percent));
  CHECK(evaluation.training.outcome == "finished");
  CHECK(evaluation.training.epochs == 3);
  CHECK(evaluation.training.images_train == 48);
  CHECK_THAT(evaluation.command, ContainsSubstring("'my program' train "));
  CHECK(result.test->examples.attack == "pgd20");
  CHECK(result.test->examples.images.size() == 10);
  CHECK_THAT(read_text(run.report().string()), ContainsSubstring("PGD-20") && ContainsSubstring("data:image/png"));
}

TEST_CASE("run_experiment: what its files hold is read back as it was written", "[workflows]") {
  const TemporaryFolder folder;
  const RunFolder run{folder.path() / "run"};
  Experiment e = testable(test::kEverything);
  test::Recorder nobody;
  run_experiment(e, run, nobody);
  CHECK(evaluation_text(read_evaluation(run.evaluation())) == read_text(run.evaluation().string()));
  CHECK(examples_text(read_examples(run.examples())) == read_text(run.examples().string()));
  CHECK(json_text(to_json(read_inputs(run))) == read_text(run.inputs().string()));
  CHECK(config_text(experiment_of(read_text(run.config().string()), "config")) == read_text(run.config().string()));
  const std::vector<EpochRow> rows = read_epoch_table(run.epochs_csv());
  std::vector<std::string> lines = {epoch_table_head()};
  for (const EpochRow& row : rows) lines.push_back(epoch_table_line(row));
  CHECK(lines == read_lines(run.epochs_csv().string()));
  REQUIRE(rows.size() == 3);
  for (const double value : {rows[2].clean, rows[2].robust, rows[2].ema_clean, rows[2].ema_robust, rows[2].swa_clean,
                             rows[2].swa_robust, rows[2].lr, rows[2].seconds})
    CHECK(std::isfinite(value));
  const auto environment = read_environment(run);
  const auto has = [&](const std::string& name) {
    return std::any_of(environment.begin(), environment.end(), [&](const auto& kv) { return kv.first == name; });
  };
  for (const char* name : {"version", "libraries.eigen", "device", "threads", "started"}) CHECK(has(name));
  // Nothing is on record where there is no file.
  const RunFolder none{folder.path() / "none"};
  CHECK(read_evaluation(none.evaluation()).rows.empty());
  CHECK(read_examples(none.examples()).images.empty());
  CHECK_FALSE(read_inputs(none).train.known());
  CHECK(read_epoch_table(none.epochs_csv()).empty());
  CHECK(read_environment(none).empty());
}

TEST_CASE("run_experiment: a signal ends it, resuming completes it, and a complete one is left alone", "[workflows]") {
  const TemporaryFolder folder;
  const RunFolder run{folder.path() / "run"};
  Experiment e = testable();
  test::Signalling signalling(SIGTERM, 2, 3);
  const RunResult cut = run_experiment(e, run, signalling);
  REQUIRE(cut.training);
  CHECK(cut.training->outcome == Outcome::interrupted);
  CHECK_FALSE(cut.test);
  CHECK(run_state(e, run) == RunState::started);
  CHECK_THROWS_WITH(run_experiment(e, run, signalling), ContainsSubstring("already holds a run"));

  Told told;
  Experiment again = testable();
  const RunResult whole = run_experiment(again, run, told, {.resume = Resume::yes});
  REQUIRE(whole.test);
  CHECK(whole.training->outcome == Outcome::finished);

  std::filesystem::remove(run.report());
  Told silent;
  Experiment third = testable();
  const RunResult found = run_experiment(third, run, silent, {.resume = Resume::yes});
  CHECK_FALSE(found.training);
  CHECK(silent.order.empty());
  REQUIRE(found.test);
  CHECK(evaluation_text(found.test->evaluation) == evaluation_text(whole.test->evaluation));
  CHECK(examples_text(found.test->examples) == examples_text(whole.test->examples));
  CHECK(std::filesystem::exists(run.report()));
}

TEST_CASE("run_experiment: what cannot work is thrown before anything is written", "[workflows][errors]") {
  const TemporaryFolder folder;
  Experiment e = test::tiny(test::kPgdAt);  // its test split cannot be read
  test::Recorder nobody;
  CHECK_THROWS_WITH(run_experiment(e, {folder.path() / "run"}, nobody), ContainsSubstring("the test split was read"));
  CHECK_FALSE(std::filesystem::exists(folder.path() / "run"));
}

TEST_CASE("run_test: measures a run in another way without a trace, and again in its own", "[workflows]") {
  const TemporaryFolder folder;
  const RunFolder run{folder.path() / "run"};
  Experiment e = testable();
  test::Recorder nobody;
  const Evaluation own = run_experiment(e, run, nobody).test->evaluation;
  const std::string file = read_text(run.evaluation().string());

  const Evaluation other =
      run_test({.run = run.root.string(), .attacks = {"fgsm", "cw"}, .sample = {.count = 6}}, nobody).evaluation;
  REQUIRE(other.rows.size() == 3);
  CHECK(other.rows[1].label == "fgsm");
  CHECK(other.rows[2].description == own.rows[2].description);
  CHECK(other.images_test == 6);
  CHECK(other.part->of == 10);
  CHECK(read_text(run.evaluation().string()) == file);

  std::filesystem::remove(run.report());
  const Evaluation again = run_test({.run = run.root.string()}, nobody).evaluation;
  CHECK(again.rows[2].correct == own.rows[2].correct);
  CHECK(again.weights_fingerprint == own.weights_fingerprint);
  CHECK(std::filesystem::exists(run.report()));
  CHECK(read_evaluation(run.evaluation()).training.seconds == own.training.seconds);

  const Evaluation bare =
      run_test({.model = "test_net", .weights = run.best().string(), .data = "test_testable"}, nobody).evaluation;
  CHECK(bare.method.empty());
  CHECK(bare.rows.size() == 1 + Experiment().evaluation.attacks.size());
  CHECK_THROWS_WITH(run_test({.model = "test_net"}, nobody), ContainsSubstring("or a model with weights and data"));
  CHECK_THROWS_WITH(run_test({.run = folder.file("none")}, nobody), ContainsSubstring("holds no run"));
  CHECK(nobody.warnings.empty());
}
