// Robust overfitting: how far robust accuracy falls after its best epoch (Rice et al. 2020; CURE, figure 5c and Table
// 3).
#include "analysis/analysis.h"
#include "evaluation/report_run.h"
#include "evaluation/report_svg.h"

namespace temper {

namespace {

struct Overfitting : Analysis {
  enum class Of : uint8_t { model, ema };
  Of of = Of::model;

  void fields(Fields& f) override {
    f.choice("of", of, {{"model", Of::model}, {"ema", Of::ema}}, "whose accuracy: the network's or its average's");
  }
  Takes takes() const override { return Takes::runs; }
  std::string help() const override {
    return "Reads the validation accuracy of every epoch from the folders of runs: robust accuracy at its best epoch and "
           "after the last one, the difference, natural accuracy at both, and the curves.";
  }

  Findings run(const AnalysisContext& context) override {
    Findings f{.title = "Robust overfitting",
               .columns = {"run", "epochs", "best_epoch", "best_robust", "last_robust", "difference", "best_natural",
                           "last_natural"}};
    Chart chart{.title = "Robust validation accuracy", .x_label = "epoch", .y_label = "robust accuracy", .unit = "%"};
    for (const Subject& s : context.subjects) {
      const std::vector<ReportEpoch> curve = read_curve(s.folder->epochs_csv());
      const ReportEpoch *best = nullptr, *last = nullptr;
      Series series{.name = s.name, .color = static_cast<int>(chart.series.size() % 6)};
      for (const ReportEpoch& e : curve) {
        series.points.emplace_back(e.epoch, robust(e));
        if (std::isnan(robust(e))) continue;
        last = &e;
        if (!best || robust(e) > robust(*best)) best = &e;
      }
      TEMPER_CHECK(best, s.folder->epochs_csv().string(),
                   ": no epoch has a robust accuracy, so there is nothing to compare; train with loop.eval_every and "
                   "data.validation above 0",
                   of == Of::ema ? ", and ema.decay" : "");
      f.rows.push_back({s.name, curve.back().epoch, best->epoch, robust(*best), robust(*last),
                        robust(*best) - robust(*last), number(natural(*best)), number(natural(*last))});
      chart.series.push_back(series);
    }
    f.pictures.emplace_back("curves", line_chart(chart));
    f.notes = {
        "Accuracy in percent of the validation images, which training did not see; the attack is each run's "
        "evaluation.validation."};
    return f;
  }

  double robust(const ReportEpoch& e) const { return of == Of::ema ? e.ema_robust : e.robust; }
  double natural(const ReportEpoch& e) const { return of == Of::ema ? e.ema_clean : e.clean; }
};

TEMPER_REGISTER(Analysis, Overfitting, "overfitting", "robust accuracy over epochs: best, last, difference");

}  // namespace

}  // namespace temper
