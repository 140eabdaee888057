// Do two parts of a loss pull the weights in opposite directions (ARAT)? In trained networks, and while training runs.
#include "analysis/analysis.h"
#include "analysis/conflict_meter.h"
#include "analysis/watch.h"
#include "trainers/loop/signals.h"
#include "trainers/records/run_network.h"
#include "workflows/report/bars.h"
#include "workflows/report/svg.h"

namespace temper {

namespace {

std::string key_of(size_t pair, const std::string& layer, const char* what) {
  return cat(pair + 1, "/", layer, "/", what);
}

struct ConflictWatch : StepWatch {
  ConflictWatch(Observer& next, const RunFolder& folder, const ConflictOptions& options, int64_t every)
      : StepWatch(next, folder.root / "conflict.jsonl", every), options(options) {}

  std::vector<std::pair<std::string, double>> look(TrainingState& s) override {
    const Arena::Scope scope(s.engine.arena());
    ConflictMeter meter(options, s.engine, *s.network, s.experiment.trainer.method->eval_branch(*s.network));
    meter.add(s.train.load(s.progress.epoch, s.progress.step - 1), s.progress.epoch);
    std::vector<std::pair<std::string, double>> values;
    for (size_t p = 0; p < options.pairs.size(); ++p) {
      const std::vector<double> cosine = meter.cosine(p), conflict = meter.conflict(p);
      for (size_t l = 0; l < meter.layers().size(); ++l) {
        values.emplace_back(key_of(p, meter.layers()[l], "cosine"), cosine[l]);
        values.emplace_back(key_of(p, meter.layers()[l], "conflict"), conflict[l]);
      }
    }
    return values;
  }

  const ConflictOptions& options;
};

/// The layers of the written record, because the training may have been done by an earlier call.
std::vector<std::string> layers_of(const MetricRecord& record) {
  std::vector<std::string> names;
  for (const auto& [key, value] : record.values)
    if (key.rfind("1/", 0) == 0 && key.ends_with("/cosine")) names.push_back(key.substr(2, key.size() - 9));
  return names;
}

struct Conflict : Analysis {
  ConflictOptions options;
  std::string weights = "last";
  int64_t batches = 8, every = 100;

  void fields(Fields& f) override {
    options.fields(f);
    f("batches", batches, Limits::at_least(1), "for runs: training batches to average over");
    f("weights", weights, "for runs: last, best, ema or swa");
    f("every", every, Limits::at_least(1), "for experiments: steps between measurements");
  }
  Takes takes() const override { return Takes::either; }
  std::string help() const override {
    return "Compares the gradients of two parts of a loss over the convolution and linear weights: their cosine, and the "
           "share of weights that they move in opposite directions, in total and per layer. Of a run: of its trained "
           "network, averaged over training batches. Of an experiment: it is trained unchanged, and measured every so "
           "many steps on the step's batch, after the step; an interrupted one continues. Terms: clean_ce, "
           "adversarial_ce, kl "
           "and kl_adversarial (gradient on the attacked side only) as in TRADES, and 1 - cosine of pooled features: "
           "invariance (gradient on the attacked side only), invariance_clean (on the other side only), "
           "invariance_symmetric (their mean). Both kinds of images pass with batch statistics; nothing is updated.";
  }

  Findings run(const AnalysisContext& context) override {
    Findings f{.title = "Gradient conflict", .columns = {"subject", "pair", "layer", "step", "cosine", "conflict"}};
    for (const Subject& s : context.subjects) s.folder ? look_at(s, context, f) : train(s, context, f);
    for (size_t p = 0; p < options.pairs.size(); ++p)
      f.notes.push_back(cat("Pair ", p + 1, ": ", options.pairs[p].name(), "."));
    f.notes.push_back("The attack: " + options.attack.describe() + ".");
    return f;
  }

 private:
  void look_at(const Subject& s, const AnalysisContext& context, Findings& f) const {
    const Experiment e = read_experiment(s.config);
    const DataSplits data = read_splits(e);
    Engine engine(e.engine_options());
    const std::unique_ptr<Network> network = load_run_network(engine, e, *s.folder, weights, data.shape);
    Loader loader(engine, data.train,
                  {.batch_size = e.loop.batch_size, .shuffle = Shuffle::every_epoch, .augmentation = e.augment});
    ConflictMeter meter(options, engine, *network, e.trainer.method->eval_branch(*network));
    const int64_t count = std::min(batches, loader.batches());
    for (int64_t b = 0; b < count; ++b) {
      const Arena::Scope scope(engine.arena());
      meter.add(loader.load(1, b), 0);
      context.observer.on_evaluate(s.name, b + 1, count);
      if (SignalGuard::raised()) throw Interrupted{};
    }
    Bars cosines{.title = s.name + ": cosine of the gradients", .y_label = "cosine"};
    Bars shares{.title = s.name + ": share of opposed weights", .y_label = "share opposed"};
    cosines.categories = shares.categories = meter.layers();
    for (size_t p = 0; p < options.pairs.size(); ++p) {
      const std::vector<double> cosine = meter.cosine(p), conflict = meter.conflict(p);
      for (size_t l = 0; l < meter.layers().size(); ++l)
        f.rows.push_back(
            {s.name, options.pairs[p].name(), meter.layers()[l], nullptr, number(cosine[l]), number(conflict[l])});
      cosines.groups.push_back({cat("pair ", p + 1), static_cast<int>(p % 6), cosine});
      shares.groups.push_back({cat("pair ", p + 1), static_cast<int>(p % 6), conflict});
    }
    f.pictures.emplace_back(s.name + "-cosine", bar_chart(cosines));
    f.pictures.emplace_back(s.name + "-conflict", bar_chart(shares));
  }

  void train(const Subject& s, const AnalysisContext& context, Findings& f) const {
    Experiment e = read_experiment(s.config);
    const RunFolder folder{context.out / s.name};
    ConflictWatch watch(context.observer, folder, options, every);
    train_watched(e, folder, watch);
    const std::vector<MetricRecord>& noted = watch.noted("conflict");
    Chart cosines{.title = s.name + ": cosine of the gradients", .x_label = "step", .y_label = "cosine"};
    Chart shares{.title = s.name + ": share of opposed weights", .x_label = "step", .y_label = "share opposed"};
    const std::vector<std::string> layers = layers_of(noted.front());
    for (size_t p = 0; p < options.pairs.size(); ++p) {
      Series cosine{.name = cat("pair ", p + 1), .color = static_cast<int>(p % 6)}, share = cosine;
      for (const MetricRecord& r : noted) {
        for (const std::string& layer : layers)
          f.rows.push_back({s.name, options.pairs[p].name(), layer, r.step, number(r.value(key_of(p, layer, "cosine"))),
                            number(r.value(key_of(p, layer, "conflict")))});
        cosine.points.emplace_back(r.step, r.value(key_of(p, "all", "cosine")));
        share.points.emplace_back(r.step, r.value(key_of(p, "all", "conflict")));
      }
      cosines.series.push_back(cosine);
      shares.series.push_back(share);
    }
    f.pictures.emplace_back(s.name + "-cosine", line_chart(cosines));
    f.pictures.emplace_back(s.name + "-conflict", line_chart(shares));
  }
};

TEMPER_REGISTER(Analysis, Conflict, "conflict", "whether the gradients of two parts of a loss conflict");

}  // namespace

}  // namespace temper
