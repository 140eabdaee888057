// Analyses that train, against what an observer of the same training sees.
#include <cmath>
#include <csignal>

#include "core/files/file.h"
#include "nn/weights.h"
#include "tests/fixtures/analysis_fixture.h"
#include "tests/fixtures/catch.h"
#include "tests/fixtures/xml_check.h"
#include "trainers/loop/signals.h"
#include "trainers/records/run_network.h"
#include "trainers/records/test_evaluation.h"

namespace temper {

namespace {

using test::make_analysis;

// What the analyses may see of a run, kept as it is.
struct Sees : test::Recorder {
  std::vector<std::vector<double>> weight, mean;
  std::string weight_name, mean_name;
  Sees(std::string weight_name, std::string mean_name)
      : weight_name(std::move(weight_name)), mean_name(std::move(mean_name)) {}
  void on_state(TrainingState& s) override {
    const Weights& w = s.network->weights();
    weight.push_back(w.params.read(s.network->params().find(weight_name)));
    mean.push_back(w.buffers.read(s.network->buffers().find(mean_name)));
  }
};

// Raises SIGINT at one step.
struct Stops : test::Recorder {
  int64_t epoch, step;
  Stops(int64_t epoch, int64_t step) : epoch(epoch), step(step) {}
  void on_step(const StepReport& r) override {
    if (r.epoch == epoch && r.step == step) std::raise(SIGINT);
  }
};

Subject tiny_subject(const std::string& name = "tiny", const std::vector<std::string>& set = {}) {
  return {
      .name = name, .config = parse_config(test::tiny_yaml(test::kPgdAt), "tiny.yaml", set), .folder = std::nullopt};
}

}  // namespace

TEST_CASE("analysis: the gradient on record is what plain gradient descent moves the weights by", "[analysis]") {
  const test::TemporaryFolder folder, cut;
  const std::vector<Subject> subjects = {
      tiny_subject("tiny", {"optimizer.momentum=0", "optimizer.weight_decay=0", "optimizer.lr=0.05"})};
  Sees sees("conv2.weight", "bn1.running_mean");
  const auto analysis = make_analysis("gradients", "layers: [conv2, fc.weight]\nevery: 2");
  const Findings f = analysis->run({subjects, folder.path(), sees});
  REQUIRE(sees.weight.size() == 18);
  REQUIRE(f.rows.size() == 18);  // 9 measurements of 2 layers
  for (size_t step = 2; step <= 18; step += 2) {
    const std::vector<double>&before = sees.weight[step - 2], &after = sees.weight[step - 1];
    double sum = 0;
    for (size_t i = 0; i < after.size(); ++i) sum += std::abs(before[i] - after[i]) / 0.05;
    const auto& row = f.rows[step / 2 - 1];
    CHECK(row[1] == "conv2.weight");
    CHECK(row[2] == (step + 5) / 6);
    CHECK(row[3] == step);
    CHECK(row[4].number() == Approx(sum / static_cast<double>(after.size())).epsilon(1e-3));
  }
  CHECK(test::xml_fault(f.pictures.at(0).second) == "");

  Stops stops(2, 3);
  CHECK_THROWS_AS(analysis->run({subjects, cut.path(), stops}), Interrupted);
  test::Recorder nobody;
  const Findings continued = analysis->run({subjects, cut.path(), nobody});
  CHECK(findings_csv(continued) == findings_csv(f));
  CHECK(findings_csv(analysis->run({subjects, cut.path(), nobody})) == findings_csv(f));  // nothing left to train

  CHECK_THROWS_WITH(make_analysis("gradients", "layers: [conv9]\nevery: 2")->run({subjects, folder.file("b"), nobody}),
                    ContainsSubstring("analysis: 'conv9' matches no parameter"));
  CHECK_THROWS_WITH(
      make_analysis("gradients", "layers: [conv2]\nevery: 100")->run({subjects, folder.file("c"), nobody}),
      ContainsSubstring("fewer steps than analysis.every (100)"));
  CHECK_FALSE(std::filesystem::exists(folder.path() / "c" / "tiny" / "checkpoints" / "last.safetensors"));
}

TEST_CASE("analysis: conflict during training is that of the network after each of the steps", "[analysis]") {
  const test::TemporaryFolder folder, cut;
  const std::vector<Subject> subjects = {tiny_subject()};
  const auto analysis = make_analysis("conflict", "every: 6\nbatches: 1\nattack: {radius: 0.1, step: 0.05, steps: 2}");
  test::Recorder nobody;
  const Findings f = analysis->run({subjects, folder.path(), nobody});
  REQUIRE(f.rows.size() == 3 * 2 * 4);  // steps 6, 12 and 18, pairs, three weights and all
  for (const auto& [name, svg] : f.pictures) CHECK(test::xml_fault(svg) == "");

  // Training does not notice.
  const Subject unwatched = test::trained_subject(folder, test::tiny_yaml(test::kPgdAt), "unwatched");
  CHECK(read_file(RunFolder{folder.path() / "tiny"}.last().string()) == read_file(unwatched.folder->last().string()));

  Stops stops(3, 2);
  CHECK_THROWS_AS(analysis->run({subjects, cut.path(), stops}), Interrupted);
  CHECK(findings_csv(analysis->run({subjects, cut.path(), nobody})) == findings_csv(f));

  CHECK_THROWS_WITH(make_analysis("conflict", "every: 100")->run({subjects, folder.file("c"), nobody}),
                    ContainsSubstring("fewer steps than analysis.every (100)"));

  // With one batch of all images, every look at one network sees the same.
  const std::string settings = "every: 4\nattack: {radius: 0.06, step: 0.06, steps: 1, start: none}";
  const std::vector<Subject> linear = {
      {.name = "linear", .config = parse_config(test::linear_yaml(), "t.yaml"), .folder = std::nullopt},
      test::trained_subject(folder, test::linear_yaml())};
  const Findings both = make_analysis("conflict", settings)->run({linear, folder.path(), nobody});
  const std::string pair = "clean_ce vs adversarial_ce";
  const auto value = [&](const std::string& subject, const std::vector<Findings::Cell>& step, const char* column) {
    std::vector<Findings::Cell> key = {subject, pair, "linear.weight"};
    key.insert(key.end(), step.begin(), step.end());
    return both.at(key, column).number();
  };
  for (const char* column : {"cosine", "conflict"}) {
    CHECK(value("linear", {8}, column) == Approx(value("run", {}, column)).epsilon(1e-4));
    CHECK(value("linear", {4}, column) != Approx(value("run", {}, column)).epsilon(1e-4));
  }
}

TEST_CASE("analysis: bn is the variance of the running means over an epoch's steps, per branch", "[analysis]") {
  const test::TemporaryFolder folder;
  const std::vector<Subject> subjects = {tiny_subject("tiny", {"model.branches=[clean, adv]"})};
  Sees sees("conv2.weight", "bn1.running_mean");
  const Findings f = make_analysis("bn")->run({subjects, folder.path(), sees});
  CHECK(f.rows.size() == 2 * 3 * 3);  // branches, layers and their union, epochs
  for (int epoch = 1; epoch <= 3; ++epoch) {
    double variance = 0;
    for (size_t channel = 0; channel < 4; ++channel) {
      double mean = 0, square = 0;
      for (size_t s = 0; s < 6; ++s) mean += sees.mean[6 * (epoch - 1) + s][channel] / 6;
      for (size_t s = 0; s < 6; ++s) square += std::pow(sees.mean[6 * (epoch - 1) + s][channel] - mean, 2) / 6;
      variance += square / 4;
    }
    CHECK(variance > 0);
    CHECK(f.at({"tiny", "clean", "bn1", epoch}, "variance").number() == Approx(variance));
    CHECK(f.at({"tiny", "clean", "bn1", epoch}, "steps") == 6);
    // bn1 has 4 channels, bn2 8.
    const auto value = [&](const char* layer) { return f.at({"tiny", "clean", layer, epoch}, "variance").number(); };
    CHECK(value("all") == Approx((4 * value("bn1") + 8 * value("bn2")) / 12));
    CHECK(f.at({"tiny", "adv", "all", epoch}, "variance") == 0);  // a branch that nothing passes
  }
  const std::vector<Subject> without = {
      {.name = "linear", .config = parse_config(test::linear_yaml(), "t.yaml"), .folder = std::nullopt}};
  test::Recorder nobody;
  CHECK_THROWS_WITH(make_analysis("bn")->run({without, folder.path(), nobody}), ContainsSubstring("has no BatchNorm"));
}

TEST_CASE("analysis: reinit trains the chosen blocks and the stem, from new or from natural weights", "[analysis]") {
  const test::TemporaryFolder folder;
  const std::vector<Subject> subjects = {
      tiny_subject("tiny", {"data.name=test_testable", "loop.epochs=1",
                            "evaluation.attacks.pgd={name: pgd, radius: 0.05, step: 0.02, steps: 2}"})};
  const auto analysis = make_analysis("reinit",
                                      "sets: [{label: two, globs: ['conv2.*', 'bn2.*']}]\n"
                                      "natural: {loop: {epochs: 2}}\n");
  Stops stops(1, 4);
  CHECK_THROWS_AS(analysis->run({subjects, folder.path(), stops}), Interrupted);
  test::Recorder recorder;
  const Findings f = analysis->run({subjects, folder.path(), recorder});
  REQUIRE(f.rows.size() == 3);
  CHECK(recorder.starts.at(0).method == "standard");
  CHECK(recorder.starts.at(1).method == "pgd_at");

  const auto weights = [&](const std::string& file) {
    const Experiment e = read_experiment(subjects[0].config);
    const auto engine = std::make_unique<Engine>(e.engine_options());
    const auto network = std::make_unique<Network>(*engine, *e.model.architecture, e.network_options({8, 8, 1, 3}));
    if (std::filesystem::path(file).extension() == ".safetensors")
      load_weights(*network, file);
    else
      import_weights(*network, export_weights(*load_run_network(*engine, e, RunFolder{file}, "last", {8, 8, 1, 3})),
                     file);
    std::map<std::string, std::vector<double>> all;
    for (const ParamBuffer* buffer : {&network->weights().params, &network->weights().buffers})
      for (int i = 0; i < buffer->layout().count(); ++i) all[buffer->layout()[i].name] = buffer->read(i);
    return all;
  };
  const auto natural = weights(folder.file("natural.safetensors")), start = weights(folder.file("new-two.safetensors")),
             end = weights(folder.file("new-two")), kept = weights(folder.file("natural-two.safetensors"));
  CHECK(kept == natural);
  double largest = 0;
  for (const auto& [name, values] : natural) {
    CAPTURE(name);
    CHECK((start.at(name) == values) == (name != "conv2.weight"));  // BatchNorm stays, as in the paper
    const bool frozen = name.rfind("fc.", 0) == 0;
    CHECK((end.at(name) == start.at(name)) == frozen);  // running statistics move everywhere
  }
  const double bound = std::sqrt(6.0 / (8 * 3 * 3));
  for (const double v : start.at("conv2.weight")) largest = std::max(largest, std::abs(v));
  CHECK(largest <= bound);
  CHECK(largest > 0.95 * bound);
  CHECK(f.at({"-", "natural"}, "trained_weights") == 4 * 9 + 8 + 8 * 36 + 16 + 24 + 3);
  CHECK(f.at({"two", "new"}, "trained_weights") == 4 * 9 + 8 + 8 * 36 + 16);

  Experiment e = read_experiment(load_config(folder.file("new-two/config.yaml")));
  const ImageSet images = test_images(e).images;
  Engine engine(e.engine_options());
  const auto network = load_run_network(engine, e, RunFolder{folder.path() / "new-two"}, "last", shape_of(images));
  const std::vector<TestRow> rows = evaluate_test(engine, *network, e, images, recorder);
  CHECK(f.at({"two", "new"}, "natural") == rows[0].accuracy.percent());
  CHECK(f.at({"two", "new"}, "robust") == rows[1].accuracy.percent());

  CHECK_THROWS_WITH(make_analysis("reinit")->run({subjects, folder.path(), recorder}),
                    ContainsSubstring("reinit: set 1: 'layer1.*' matches no parameter of test_net"));
  const auto reset = make_analysis("reinit",
                                   "sets: [{label: bn, globs: ['*2.*', 'fc.*']}]\nbatch_norm: reset\nreinit: yes\n"
                                   "natural: {loop: {epochs: 2}}\n");
  reset->run({subjects, folder.path(), recorder});
  const auto anew = weights(folder.file("new-bn.safetensors"));
  CHECK(anew.at("bn2.weight") == std::vector<double>(8, 1.0));
  CHECK(anew.at("bn2.bias") == std::vector<double>(8, 0.0));
  CHECK(anew.at("fc.bias") == std::vector<double>(3, 0.0));
  double squares = 0;
  for (const double v : anew.at("fc.weight")) squares += v * v / 24;
  CHECK(std::sqrt(squares) == Approx(0.01).epsilon(0.5));
}

}  // namespace temper
