#include "workflows/run_cost.h"

#include "core/files/json.h"
#include "tests/fixtures/catch.h"
#include "tests/fixtures/cli_fixture.h"
#include "tests/fixtures/run_fixture.h"
#include "tests/fixtures/training_fixture.h"

using namespace temper;

namespace {

// CURE with two natural epochs of six, on 50 of 60 images.
Experiment cure() {
  return test::tiny("{name: cure, warm_up: {epochs: 2}, attack: {radius: 0.05, step: 0.02, steps: 3}}",
                    {"data.name=test_testable", "loop.epochs=6", "data.validation=10", "loop.eval_every=4"});
}

}  // namespace

TEST_CASE("cost: epochs whose steps cost the same are one stage", "[cost]") {
  const RunCost cost = cost_of(cure());
  REQUIRE(cost.stages.size() == 2);
  CHECK((cost.stages[0].first == 1 && cost.stages[0].last == 2));
  CHECK((cost.stages[1].first == 3 && cost.stages[1].last == 6));
  CHECK(count_passes(cost.stages[0].per_image, cost.passes).forward == Approx(1));
  CHECK(cost.training().total() ==
        Approx(50 * (2 * cost.stages[0].per_image.total() + 4 * cost.stages[1].per_image.total())));
}

TEST_CASE("cost: images, steps and evaluations are those of the run", "[cost]") {
  const RunCost cost = cost_of(cure());
  CHECK(cost.data.train == 60);
  CHECK(cost.images == 50);
  CHECK(cost.steps_per_epoch == 7);  // the last of two images
  REQUIRE(cost.evaluations.size() == 1);
  CHECK(cost.evaluations[0].images == 10);
  CHECK(cost.evaluations[0].times == 2);  // after epochs 4 and 6
  CHECK(cost.total() == Approx(cost.training().total() + 20 * cost.evaluations[0].per_image.total()));
  CHECK(cost.step_bytes > 0);
  CHECK(cost.disk_bytes > 4.0 * static_cast<double>(cost.parameters));
}

TEST_CASE("cost: a published data set need not be here", "[cost]") {
  const RunCost cost = cost_of(read_experiment(parse_config(
      "data: {name: cifar100, path: /nowhere}\nmodel: {name: small_cnn}\ntrainer: {name: standard}\nloop: {epochs: 1}\n")));
  CHECK(cost.data.classes == 100);
  CHECK(cost.images == 49'000);
}

TEST_CASE("cost: a rate is measured with whole steps", "[cost]") {
  CHECK(measured_rate(test::tiny(test::kPgdAt, {"data.name=test_testable"})) > 0);
}

TEST_CASE("cost: the command says passes, work and time, and writes all numbers", "[cost][cli]") {
  const test::TemporaryFolder folder;
  test::write_file(folder.path() / "run.yaml", test::tiny_yaml(test::kPgdAt));
  const test::Ran ran = test::temper_command({"cost", folder.file("run.yaml"), "--images-per-second", "100", "--json",
                                              folder.file("cost.json"), "--set", "data.name=test_testable"});
  CHECK(ran.err == "");
  REQUIRE(ran.code == 0);
  CHECK_THAT(ran.out, ContainsSubstring("1 to 3") &&
                          ContainsSubstring("3 epochs of 48 training images, 6 steps of 8") &&
                          ContainsSubstring("time at 100 training images/s, --images-per-second"));
  const auto j = parse_json(test::slurp(folder.file("cost.json")));
  CHECK(j["stages"][0]["forward"].get<double>() == Approx(3));
  CHECK(j["stages"][0]["backward_to_images"].get<double>() == Approx(2));
  CHECK(j["stages"][0]["backward_to_weights"].get<double>() == Approx(1));
  // 3 * 48 images at 100 a second, and the validations at the same speed.
  const double training = j["training_flops"]["total"], evaluation = j["evaluation_flops"]["total"];
  CHECK(j["hours"].get<double>() == Approx(1.44 / 3600 * (training + evaluation) / training));
}

TEST_CASE("cost: a sweep is a line for each method, and their sum", "[cost][cli]") {
  const test::TemporaryFolder folder;
  test::write_file(folder.path() / "a.yaml", test::tiny_yaml("{name: standard}"));
  test::write_file(folder.path() / "b.yaml", test::tiny_yaml(test::kPgdAt));
  test::write_file(
      folder.path() / "table.yaml",
      "seeds: [0, 1]\nset: {data: {name: test_testable}}\nruns:\n  - {config: a.yaml}\n  - {config: b.yaml}\n");
  const test::Ran ran =
      test::temper_command({"cost", folder.file("table.yaml"), "--tflops", "2", "--json", folder.file("cost.json")});
  REQUIRE(ran.code == 0);
  const auto rows = parse_json(test::slurp(folder.file("cost.json")));
  REQUIRE(rows.size() == 2);
  CHECK(rows[0]["runs"] == 2);
  CHECK(rows[1]["hours"].get<double>() > rows[0]["hours"].get<double>());
  CHECK_THAT(ran.out, ContainsSubstring("together                          4"));
  const test::Ran one_rate = test::temper_command({"cost", folder.file("table.yaml"), "--images-per-second", "100"});
  CHECK(one_rate.code == 2);
  CHECK_THAT(one_rate.err, ContainsSubstring("--images-per-second is the rate of one method"));
}

TEST_CASE("cost: one rate at a time", "[cost][cli]") {
  const test::Ran ran = test::temper_command({"cost", "x.yaml", "--tflops", "2", "--measure"});
  CHECK(ran.code == 2);
  CHECK_THAT(ran.err, ContainsSubstring("--tflops, --images-per-second and --measure"));
}
