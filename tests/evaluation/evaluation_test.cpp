// Accuracy, clean and under attack, on every device.
#include <algorithm>

#include "attacks/pgd.h"
#include "evaluation/robust_accuracy.h"
#include "tests/fixtures/devices.h"
#include "tests/fixtures/tensors.h"
#include "tests/fixtures/training_fixture.h"
#include "trainers/records/test_evaluation.h"
#include "workflows/report/result_table.h"

using namespace temper;
using test::Recorder;

namespace {

/// How many images one evaluation gets right and another wrong. Batches of another size may change one on a GPU, where
/// libraries choose by size.
int64_t count_others(const Accuracy& a, const Accuracy& b) {
  REQUIRE(a.right.size() == b.right.size());
  int64_t others = 0;
  for (size_t i = 0; i < a.right.size(); ++i) others += a.right[i] != b.right[i];
  return others;
}

}  // namespace

TEMPER_DEVICE_TEST("evaluate: counts, bits and independence of the batch size", "[evaluation]") {
  Experiment e = test::tiny("{name: standard}", test::on(device));
  TrainingState state(e, read_splits(e));
  const ImageSet images = e.data.reader->train();
  const std::unique_ptr<Attack> attack = Registry<Attack>::instance().make("pgd");
  std::vector<Accuracy> found;
  for (const int64_t batch : {1, 7, 60}) {
    Loader loader(state.engine, images, {.batch_size = batch});
    int64_t seen = 0;
    found.push_back(
        evaluate(state.engine, *state.network, Pass::eval(), loader, attack.get(), [&](int64_t done, int64_t total) {
          CHECK(done > seen);
          CHECK(total == 60);
          seen = done;
        }));
    CHECK(seen == 60);
  }
  for (const Accuracy& a : found) {
    CHECK(a.total == 60);
    CHECK(count_others(a, found[0]) <= (device == Device::cpu ? 0 : 1));
    CHECK(a.correct == std::count(a.right.begin(), a.right.end(), 1));
    CHECK(a.percent() == Approx(100.0 * static_cast<double>(a.correct) / 60));
  }
}

TEMPER_DEVICE_TEST("evaluate: leaving fooled samples out of further runs changes no answer", "[evaluation]") {
  Experiment e = test::tiny("{name: standard}", test::on(device));
  TrainingState state(e, read_splits(e));
  const Classifier classifier(*state.network, Pass::eval());
  const Pgd attack(
      {.radius = 0.2, .step = 0.1, .steps = 3, .restarts = 4, .restart_rule = Pgd::RestartRule::any_success});
  Loader loader(state.engine, e.data.reader->train(), {.batch_size = 60});
  const Accuracy found = evaluate(state.engine, *state.network, Pass::eval(), loader, &attack);
  const Arena::Scope scope(state.engine.arena());
  const RngStream random(state.engine.seed());
  const AttackResult all = attack.run({state.engine, loader.load(0, 0), classifier, random});
  const std::vector<double> fooled = test::numbers_of(state.engine, all.success);
  CHECK(found.correct > 0);
  CHECK(found.correct < 60);
  int64_t others = 0;
  for (size_t i = 0; i < 60; ++i) others += found.right[i] != (fooled[i] == 0);
  CHECK(others <= (device == Device::cpu ? 0 : 1));
}

TEST_CASE("evaluate: the same answers for any number of threads", "[evaluation]") {
  std::vector<std::vector<uint8_t>> clean, attacked;
  for (const char* threads : {"threads=1", "threads=2", "threads=5"}) {
    Experiment e = test::tiny("{name: standard}", {threads});
    TrainingState state(e, read_splits(e));
    Loader loader(state.engine, e.data.reader->train(), {.batch_size = 23});
    const std::unique_ptr<Attack> attack = Registry<Attack>::instance().make("pgd");
    clean.push_back(evaluate(state.engine, *state.network, Pass::eval(), loader, nullptr).right);
    attacked.push_back(evaluate(state.engine, *state.network, Pass::eval(), loader, attack.get()).right);
    CHECK(clean.back() == clean.front());
    CHECK(attacked.back() == attacked.front());
  }
}

TEMPER_DEVICE_TEST("evaluate_test: clean first, then every attack under its label", "[evaluation]") {
  Experiment e = test::tiny(
      test::kPgdAt, test::on(device, {"evaluation.attacks.none.radius=0", "evaluation.attacks.hard.radius=0.5"}));
  TrainingState state(e, read_splits(e));
  Recorder r;
  const std::vector<TestRow> rows = evaluate_test(state.engine, *state.network, e, e.data.reader->train(), r);
  REQUIRE(rows.size() == 3);
  CHECK(rows[0].label == "clean");
  CHECK(rows[1].label == "none");
  CHECK(rows[1].accuracy.right == rows[0].accuracy.right);
  CHECK(rows[2].label == "hard");
  CHECK_THAT(rows[2].description, ContainsSubstring("radius 0.5"));
  CHECK(rows[2].accuracy.correct <= rows[0].accuracy.correct);
  CHECK(natural_robust_ratio(86.76, 52.48) == Approx(65.40).margin(0.01));
  CHECK(natural_robust_ratio(0, 0) == 0);
}

TEMPER_DEVICE_TEST("evaluate_test: samples that fill up the last batch do not count", "[evaluation]") {
  // 60 images: eight batches of 7 and one of 4.
  const auto rows = [&](const std::string& last, const std::string& compute) {
    Experiment e = test::tiny(
        test::kPgdAt, test::on(device, {"evaluation.attacks.pgd.radius=0.05", "evaluation.attacks.cw.loss=margin",
                                        "evaluation.attacks.best.restarts=2", "evaluation.last_batch=" + last,
                                        "precision.compute=" + compute}));
    TrainingState state(e, read_splits(e));
    Recorder r;
    return evaluate_test(state.engine, *state.network, e, e.data.reader->train(), r);
  };
  for (const char* compute : {"f32", "f16"}) {
    INFO(compute);
    const std::vector<TestRow> kept = rows("keep", compute), filled = rows("pad", compute);
    REQUIRE(kept.size() == 4);
    for (size_t i = 0; i < kept.size(); ++i) {
      INFO(kept[i].label);
      CHECK(filled[i].accuracy.total == 60);
      CHECK(count_others(filled[i].accuracy, kept[i].accuracy) <= (device == Device::cpu ? 0 : 1));
    }
  }
}
