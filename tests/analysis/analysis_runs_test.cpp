// Analyses that look at runs, against what can be computed by hand.
#include <cmath>
#include <set>

#include "evaluation/robust_accuracy.h"
#include "tests/fixtures/analysis_fixture.h"
#include "tests/fixtures/catch.h"
#include "tests/fixtures/run_fixture.h"
#include "tests/fixtures/xml_check.h"
#include "trainers/records/run_network.h"

namespace temper {

namespace {

using test::make_analysis;

// The weights of the linear classifier of a run and the images it was trained on.
struct LinearRun {
  std::vector<double> w, b;  // (2, 16), (2)
  std::vector<std::vector<double>> x;
  std::vector<int32_t> y;

  explicit LinearRun(const Subject& s) {
    const Experiment e = read_experiment(s.config);
    const ImageSet images = test_images(e).images;
    Engine engine(e.engine_options());
    const auto network = load_run_network(engine, e, *s.folder, "last", shape_of(images));
    w = network->weights().params.read(network->params().find("linear.weight"));
    b = network->weights().params.read(network->params().find("linear.bias"));
    y = images.labels;
    for (int64_t i = 0; i < images.size(); ++i) {
      std::vector<double>& one = x.emplace_back();
      for (int64_t k = 0; k < 16; ++k) one.push_back(images.pixels[static_cast<size_t>(16 * i + k)] / 255.0);
    }
  }
  // log-odds of the true class
  double margin(size_t i) const {
    const int right = y[i], other = 1 - right;
    double m = b[right] - b[other];
    for (int k = 0; k < 16; ++k) m += (w[16 * right + k] - w[16 * other + k]) * x[i][k];
    return m;
  }
  double norm1() const {
    double n = 0;
    for (int k = 0; k < 16; ++k) n += std::abs(w[k] - w[16 + k]);
    return n;
  }
};

}  // namespace

TEST_CASE("analysis: overfitting finds the best and the last epoch", "[analysis]") {
  const test::TemporaryFolder folder;
  test::write_file(
      folder.path() / "a/metrics.csv",
      "epoch,train_loss,lr,clean,robust\n1,1,0.1,60,40\n2,0.9,0.1,70,45.5\n3,0.8,0.1,,\n4,0.7,0.1,75,41\n");
  test::write_file(folder.path() / "b/metrics.csv", "epoch,train_loss,lr,clean,robust\n1,1,0.1,,\n");
  const std::vector<Subject> a = {{.name = "a", .config = {}, .folder = RunFolder{folder.path() / "a"}}};
  test::Recorder nobody;
  const Findings f = make_analysis("overfitting")->run({a, folder.path(), nobody});
  REQUIRE(f.rows.size() == 1);
  CHECK(f.at({"a"}, "best_epoch") == 2);
  CHECK(f.at({"a"}, "best_robust") == 45.5);
  CHECK(f.at({"a"}, "last_robust") == 41);
  CHECK(f.at({"a"}, "difference") == 4.5);
  CHECK(f.at({"a"}, "best_natural") == 70);
  CHECK(f.at({"a"}, "last_natural") == 75);
  CHECK(f.at({"a"}, "epochs") == 4);
  CHECK(test::xml_fault(f.pictures.at(0).second) == "");
  const std::vector<Subject> b = {{.name = "b", .config = {}, .folder = RunFolder{folder.path() / "b"}}};
  CHECK_THROWS_WITH(make_analysis("overfitting")->run({b, folder.path(), nobody}),
                    ContainsSubstring("b/metrics.csv: no epoch has a robust accuracy"));
}

TEST_CASE("analysis: runs that were not measured alike are not put into one table", "[analysis]") {
  const test::TemporaryFolder folder;
  const auto subject = [&](const std::string& name, const std::string& yaml, const std::string& train,
                           const std::string& held_out) {
    test::write_file(folder.path() / name / "metrics.csv", "epoch,train_loss,lr,clean,robust\n1,1,0.1,60,40\n");
    const auto set = [](const std::string& print) {
      return "{\"count\": 9, \"images\": \"" + print + "\", \"labels\": \"x\"}";
    };
    test::write_file(folder.path() / name / "data.json",
                     "{\"train\": " + set(train) + ", \"validation\": " + set(held_out) + "}");
    return Subject{.name = name, .config = parse_config(yaml), .folder = RunFolder{folder.path() / name}};
  };
  const std::string plain = "evaluation: {validation: {radius: 0.1}}",
                    other = "evaluation: {validation: {radius: 0.2}}";
  test::Recorder nobody;
  const auto run = [&](const std::vector<Subject>& subjects) {
    return make_analysis("overfitting")->run({subjects, folder.path(), nobody});
  };
  const Subject a = subject("a", plain, "1111", "2222");
  CHECK(run({a, subject("b", plain, "1111", "2222")}).notes.size() == 1);
  CHECK_THAT(run({a, subject("b", plain, "1111", "3333")}).notes.at(1),
             ContainsSubstring("The validation images are not the same in all runs"));
  CHECK_THROWS_WITH(run({a, subject("b", other, "1111", "2222")}),
                    ContainsSubstring("overfitting: the runs differ in the validation attack: ") &&
                        ContainsSubstring("radius 0.2") && ContainsSubstring("(b); such numbers cannot be compared"));
  CHECK_THROWS_WITH(run({a, subject("b", plain, "4444", "2222")}), ContainsSubstring("differ in training images"));
  CHECK_THROWS_WITH(run({a, subject("b", plain + "\nprecision: {compute: f64}", "1111", "2222")}),
                    ContainsSubstring("differ in precision: f32 (a), but f64 (b)"));
}

TEST_CASE("analysis: updates averages the recorded shares at start, middle and end", "[analysis]") {
  const test::TemporaryFolder folder;
  std::string lines;
  for (int i = 1; i <= 10; ++i)
    lines += cat("{\"event\":\"step\",\"epoch\":", (i + 4) / 5, ",\"step\":", i, ",\"total_step\":", i,
                 ",\"method\":{\"kept/conv1.weight\":", 0.1 * i, ",\"kept/total\":0.7,\"loss_cr\":3}}\n");
  test::write_file(folder.path() / "a/metrics.jsonl", lines);
  test::write_file(folder.path() / "b/metrics.jsonl", "{\"event\":\"step\",\"epoch\":1,\"step\":1}\n");
  const std::vector<Subject> a = {{.name = "a", .config = {}, .folder = RunFolder{folder.path() / "a"}}};
  test::Recorder nobody;
  const Findings f = make_analysis("updates", "window: 0.2\ncurves: ['conv*']")->run({a, folder.path(), nobody});
  REQUIRE(f.rows.size() == 2);
  CHECK(f.at({"a", "conv1.weight"}, "records") == 10);
  CHECK(f.at({"a", "conv1.weight"}, "initial").number() == Approx(0.15));
  CHECK(f.at({"a", "conv1.weight"}, "middle").number() == Approx(0.55));
  CHECK(f.at({"a", "conv1.weight"}, "final").number() == Approx(0.95));
  CHECK(f.at({"a", "total"}, "middle").number() == Approx(0.7));
  REQUIRE(f.pictures.size() == 2);
  for (const auto& [name, svg] : f.pictures) {
    CHECK(svg != "");
    CHECK(test::xml_fault(svg) == "");
  }
  const std::vector<Subject> b = {{.name = "b", .config = {}, .folder = RunFolder{folder.path() / "b"}}};
  CHECK_THROWS_WITH(make_analysis("updates")->run({b, folder.path(), nobody}),
                    ContainsSubstring("no step has logged the share of updated weights"));
  CHECK_THROWS_WITH(make_analysis("updates", "window: 2"),
                    ContainsSubstring("expected more than 0 and up to 1, got 2"));
}

TEST_CASE("analysis: eps counts what a linear classifier can lose at each radius", "[analysis]") {
  const test::TemporaryFolder folder;
  const Subject s = test::trained_subject(folder, test::linear_yaml());
  const LinearRun run(s);
  test::Recorder nobody;
  const std::vector<Subject> subjects = {s};
  const Findings f = make_analysis("eps", "radii: [1/255, 4/255, 8/255, 16/255, 30/255]\nsteps: 12\nstep: 0.2")
                         ->run({subjects, folder.path(), nobody});
  REQUIRE(f.rows.size() == 6);
  std::set<int64_t> different;
  for (const double radius : {0.0, 1.0, 4.0, 8.0, 16.0, 30.0}) {
    // No pixel can leave [0, 1] here, and every step goes the same way: the attack ends in a corner of the ball.
    int64_t safe = 0;
    for (size_t i = 0; i < run.x.size(); ++i) safe += run.margin(i) > radius / 255 * run.norm1();
    CAPTURE(radius);
    CHECK(f.at({"run", radius}, "correct") == safe);
    CHECK(f.at({"run", radius}, "images") == 24);
    different.insert(safe);
  }
  CHECK(different.size() >= 3);
  CHECK_THROWS_WITH(make_analysis("eps", "radii: [0]"),
                    ContainsSubstring("radii: expected more than 0 and up to 1, got 0"));
  CHECK_THROWS_WITH(make_analysis("eps", "radii: [8]"),
                    ContainsSubstring("radii: expected more than 0 and up to 1, got 8"));

  const auto other = [&](const std::string& section, const std::string& key, const std::string& value) {
    Subject made{.name = "other", .config = s.config, .folder = s.folder};
    put(made.config, section, key, value, "test");
    return std::vector<Subject>{s, made};
  };
  const std::vector<Subject> mixed = other("precision", "compute", "f64"),
                             elsewhere = other("data", "name", "fashion_mnist_small");
  CHECK_THROWS_WITH(make_analysis("eps")->run({mixed, folder.path(), nobody}),
                    ContainsSubstring("eps: the runs differ in precision: "));
  CHECK_THROWS_WITH(make_analysis("eps")->run({elsewhere, folder.path(), nobody}),
                    ContainsSubstring("eps: the runs differ in test images: 24 images, "));
}

TEST_CASE("analysis: conflict compares the closed-form gradients of a linear classifier", "[analysis]") {
  const test::TemporaryFolder folder;
  const Subject s = test::trained_subject(folder, test::linear_yaml());
  const LinearRun run(s);
  constexpr double kRadius = 0.06;
  // d CE / d W_c = mean (p_c - [y = c]) x; FGSM moves along the sign of (p - y) W, which is sign(w_other - w_right).
  const auto gradient = [&](double radius) {
    std::vector<double> g(32);
    for (size_t i = 0; i < run.x.size(); ++i) {
      const int right = run.y[i], other = 1 - right;
      std::vector<double> x = run.x[i];
      double margin = run.b[right] - run.b[other];
      for (int k = 0; k < 16; ++k) {
        const double along = run.w[16 * right + k] - run.w[16 * other + k];
        x[k] -= radius * (along > 0 ? 1 : -1);
        margin += along * x[k];
      }
      const double p_other = 1 / (1 + std::exp(margin));
      for (int k = 0; k < 16; ++k) {
        g[16 * right + k] -= p_other * x[k] / 24;
        g[16 * other + k] += p_other * x[k] / 24;
      }
    }
    return g;
  };
  const std::vector<double> clean = gradient(0), attacked = gradient(kRadius);
  double dot = 0, a = 0, b = 0;
  int opposed = 0;
  for (int k = 0; k < 32; ++k) {
    dot += clean[k] * attacked[k];
    a += clean[k] * clean[k];
    b += attacked[k] * attacked[k];
    opposed += clean[k] * attacked[k] < 0;
  }
  test::Recorder nobody;
  const std::vector<Subject> subjects = {s};
  const Findings f = make_analysis("conflict",
                                   "attack: {radius: 0.06, step: 0.06, steps: 1, start: none}\n"
                                   "pairs:\n"
                                   "  - {first: [clean_ce], second: [adversarial_ce]}\n"
                                   "  - {first: [clean_ce], second: [clean_ce]}\n"
                                   "  - {first: [clean_ce, adversarial_ce], second: [clean_ce]}\n")
                         ->run({subjects, folder.path(), nobody});
  REQUIRE(f.rows.size() == 6);
  for (const char* layer : {"all", "linear.weight"}) {  // the only layer is all there is; biases do not count
    CHECK(f.at({"run", "clean_ce vs adversarial_ce", layer}, "cosine").number() ==
          Approx(dot / std::sqrt(a * b)).margin(1e-5));
    CHECK(f.at({"run", "clean_ce vs adversarial_ce", layer}, "conflict").number() == Approx(opposed / 32.0));
    CHECK(f.at({"run", "clean_ce vs clean_ce", layer}, "cosine").number() == Approx(1));
    CHECK(f.at({"run", "clean_ce vs clean_ce", layer}, "conflict") == 0);
  }
  double sum_dot = 0, sum = 0;
  for (int k = 0; k < 32; ++k) {
    sum_dot += (clean[k] + attacked[k]) * clean[k];
    sum += (clean[k] + attacked[k]) * (clean[k] + attacked[k]);
  }
  CHECK(f.at({"run", "clean_ce+adversarial_ce vs clean_ce", "all"}, "cosine").number() ==
        Approx(sum_dot / std::sqrt(sum * a)).margin(1e-5));
  // The features are the pixels: no weight lies before them.
  CHECK_THROWS_WITH(make_analysis("conflict", "pairs: [{first: [clean_ce], second: [invariance]}]")
                        ->run({subjects, folder.path(), nobody}),
                    ContainsSubstring("conflict: invariance depends on no weight; choose analysis.taps"));
  CHECK_THROWS_WITH(make_analysis("conflict", "pairs: [{first: [clean_cee], second: [kl]}]"),
                    ContainsSubstring("unknown term 'clean_cee'; did you mean 'clean_ce'?"));
}

}  // namespace temper
