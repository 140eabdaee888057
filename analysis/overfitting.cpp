// Robust overfitting: how far robust accuracy falls after its best epoch (Rice et al. 2020; CURE, figure 5c and Table
// 3).
#include <set>

#include "analysis/comparable.h"
#include "attacks/settings.h"
#include "trainers/experiment.h"
#include "trainers/records/epoch_table.h"
#include "trainers/records/run_inputs.h"
#include "workflows/report/svg.h"

namespace temper {

namespace {

struct Overfitting : Analysis {
  enum class Of : uint8_t { model, ema };
  Of of = Of::model;

  void fields(Fields& f) override {
    f.choice("of", of, {{"model", Of::model}, {"ema", Of::ema}}, "accuracy of the network or of its average");
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
    check_comparable("overfitting", "the validation attack", context.subjects, [](const Subject& s) {
      const Experiment e = read_experiment(s.config);
      const NamedAttack& validation = e.evaluation.validation;
      std::vector<std::string> keys;
      for (const auto& [key, value] : flattened(attack_settings(validation.name, *validation.attack)))
        keys.push_back(key + " " + value);
      return join(keys);
    });
    check_comparable("overfitting", "precision", context.subjects,
                     [](const Subject& s) { return name(read_experiment(s.config).precision); });
    check_comparable("overfitting", "training images", context.subjects, [](const Subject& s) {
      const SetFingerprint train = read_inputs(*s.folder).train;
      return train.known() ? train.text() : std::string();
    });
    for (const Subject& s : context.subjects) {
      const std::vector<EpochRow> curve = read_epoch_table(s.folder->epochs_csv());
      const EpochRow *best = nullptr, *last = nullptr;
      Series series{.name = s.name, .color = static_cast<int>(chart.series.size() % 6)};
      for (const EpochRow& e : curve) {
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
    if (const std::string note = other_validation_images(context.subjects); !note.empty()) f.notes.push_back(note);
    return f;
  }

  // Runs with other seeds hold out other images, which is allowed but worth a note.
  static std::string other_validation_images(const std::vector<Subject>& subjects) {
    std::set<std::string> different;
    for (const Subject& s : subjects)
      if (const SetFingerprint held_out = read_inputs(*s.folder).validation; held_out.known())
        different.insert(held_out.text());
    if (different.size() < 2) return "";
    return "The validation images are not the same in all runs: their seeds, or how many they hold out, differ.";
  }

  double robust(const EpochRow& e) const { return of == Of::ema ? e.ema_robust : e.robust; }
  double natural(const EpochRow& e) const { return of == Of::ema ? e.ema_clean : e.clean; }
};

TEMPER_REGISTER(Analysis, Overfitting, "overfitting", "robust accuracy over epochs: best, last, difference");

}  // namespace

}  // namespace temper
