// Accuracy against the size of the perturbation (CURE: PGD-20 at radii of 0.25 to 8 / 255).
#include <cmath>

#include "analysis/comparable.h"
#include "attacks/pgd.h"
#include "data/loader.h"
#include "data/published/fingerprint.h"
#include "evaluation/robust_accuracy.h"
#include "trainers/loop/signals.h"
#include "trainers/records/run_network.h"
#include "workflows/report/parts.h"
#include "workflows/report/svg.h"

namespace temper {

namespace {

struct Eps : Analysis {
  std::vector<double> radii = {0.25 / 255, 0.5 / 255, 1.0 / 255, 2.0 / 255, 4.0 / 255, 8.0 / 255};
  double step_share = 0.1;
  int64_t images = 0;
  std::string weights = "last";
  PgdOptions attack{.steps = 20};

  void fields(Fields& f) override {
    f("radii", radii, Limits::above(0).up_to(1), "eps of the attacks, in [0, 1] pixel units, such as 8/255");
    f("step", step_share, Limits::above(0).up_to(1), "step of the attack, as a share of the radius");
    f("steps", attack.steps, Pgd::kSteps, "steps of the attack");
    f("restarts", attack.restarts, Pgd::kRestarts, "runs of the attack in total");
    f("images", images, Limits::at_least(0), "number of test images to attack, a stratified sample; 0: all");
    f("weights", weights, "last, best, ema or swa");
    if (radii.empty()) f.reject("radii", "expected at least one");
  }
  Takes takes() const override { return Takes::runs; }
  std::string help() const override {
    return "Attacks the test images of runs with Linf PGD of growing radius, from a uniform start, and draws accuracy "
           "against the radius.";
  }

  Findings run(const AnalysisContext& context) override {
    Findings f{.title = "Accuracy by radius", .columns = {"run", "radius_255", "correct", "images", "percent"}};
    Chart chart{.title = cat("Accuracy under PGD-", attack.steps),
                .x_label = "radius / 255",
                .y_label = "accuracy",
                .y_range = std::pair{0.0, 100.0},
                .unit = "%"};
    check_comparable("eps", "precision", context.subjects,
                     [](const Subject& s) { return name(read_experiment(s.config).precision); });
    check_comparable("eps", "test images", context.subjects, [&](const Subject& s) {
      return fingerprint(test_images(read_experiment(s.config), {.count = images}).images).text();
    });
    for (const Subject& s : context.subjects) {
      Series line{.name = s.name, .color = static_cast<int>(chart.series.size() % 6)};
      for (const auto& [radius, a] : measure(s, context.observer)) {
        f.rows.push_back({s.name, in_255ths(radius), a.correct, a.total, a.percent()});
        line.points.emplace_back(in_255ths(radius), a.percent());
      }
      chart.series.push_back(line);
    }
    f.pictures.emplace_back("curve", line_chart(chart));
    Pgd largest(attack);
    set_radius(largest, radii.back());
    f.notes = {"Radius 0: the images as they are. The attack at the last radius: " + largest.describe() + "."};
    if (images > 0) f.notes.push_back(cat("Of the test images, at most ", images, ", drawn over the classes, seed 0."));
    return f;
  }

  /// As tables and charts have it, without what dividing by 255 has rounded.
  static double in_255ths(double radius) { return std::round(radius * 255 * 1e9) / 1e9; }

  void set_radius(Pgd& pgd, double radius) const {
    pgd.radius = radius;
    pgd.step = step_share * pgd.radius;
  }

  std::vector<std::pair<double, Accuracy>> measure(const Subject& s, Observer& observer) const {
    const Experiment e = read_experiment(s.config);
    const ImageSet test = test_images(e, {.count = images}).images;
    Engine engine(e.engine_options());
    const std::unique_ptr<Network> network = load_run_network(engine, e, *s.folder, weights, shape_of(test));
    Loader loader(engine, test, e.evaluation.loader(engine.device()));
    const Pass pass = Pass::eval(e.trainer.method->eval_branch(*network));
    std::vector<std::pair<double, Accuracy>> out;
    const auto add = [&](double radius, const Attack* with) {
      const std::string what = cat(s.name, ", radius ", in_255ths(radius), "/255");
      out.emplace_back(radius, evaluate(engine, *network, pass, loader, with, [&](int64_t done, int64_t total) {
                         observer.on_evaluate(what, done, total);
                         if (SignalGuard::raised()) throw Interrupted{};
                       }));
      const Accuracy& a = out.back().second;
      const std::string doubt = report::zero_gradient_text(a.zero_gradient, a.zero_gradient_right, a.total);
      if (!doubt.empty()) observer.on_warning(cat(what, ": ", doubt));
    };
    add(0, nullptr);
    for (const double radius : radii) {
      Pgd pgd(attack);
      set_radius(pgd, radius);
      add(radius, &pgd);
    }
    return out;
  }
};

TEMPER_REGISTER(Analysis, Eps, "eps", "accuracy under PGD against the radius");

}  // namespace

}  // namespace temper
