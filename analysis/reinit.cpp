// Which blocks of a naturally trained network have to change to become robust (CURE, section 3: U-b, figures 4 and 11).
#include <cmath>

#include "analysis/analysis.h"
#include "analysis/watch.h"
#include "data/dataset.h"
#include "nn/weights.h"
#include "trainers/loop/readiness.h"
#include "trainers/records/epoch_table.h"
#include "trainers/records/run_network.h"
#include "trainers/records/test_evaluation.h"
#include "workflows/report/bars.h"
#include "workflows/report/svg.h"

namespace temper {

namespace {

namespace fs = std::filesystem;

/// Blocks that are trained together while the rest is frozen.
struct BlockSet {
  std::string label;
  std::vector<std::string> globs;
  void fields(Fields& f) {
    f("label", label, "in tables, and the name of the run");
    f("globs", globs, "parameters of these blocks");
    if (label.empty()) f.reject("label", "expected a name");
    if (globs.empty()) f.reject("globs", "expected at least one, such as layer1.*");
  }
};

// The sets of the paper's figures, for networks whose stages are layer1 to layer4.
std::vector<BlockSet> nine_sets() {
  std::vector<BlockSet> sets;
  for (const std::string label : {"1", "2", "3", "4", "12", "23", "34", "123", "234"}) {
    BlockSet& set = sets.emplace_back(BlockSet{label, {}});
    for (const char stage : label) set.globs.push_back(cat("layer", stage, ".*"));
  }
  return sets;
}

bool any_matches(const std::vector<std::string>& globs, const std::string& name) {
  for (const std::string& g : globs)
    if (glob_matches(g, name)) return true;
  return false;
}

struct Reinit : Analysis {
  enum class When : uint8_t { yes, no, both };
  enum class Keep : uint8_t { keep, reset };
  std::vector<BlockSet> sets = nine_sets();
  std::vector<std::string> always = {"conv1.*", "bn1.*"};
  When when = When::both;
  Keep bn = Keep::keep;
  Config natural;

  void fields(Fields& f) override {
    f.list("sets", sets, "blocks to train, each with a label and globs; default: 1, 2, 3, 4, 12, 23, 34, 123, 234");
    f("always_trained", always, "globs of parameters that are trained in every set and never re-initialised: the stem");
    f.choice("reinit", when, {{"yes", When::yes}, {"no", When::no}, {"both", When::both}},
             "whether the blocks of a set start from new weights or from the natural ones");
    f.choice("batch_norm", bn, {{"keep", Keep::keep}, {"reset", Keep::reset}},
             "scale and shift of BatchNorm in re-initialised blocks: kept, or 1 and 0");
    natural = f.part("natural", "keys that override the experiment's for the natural training, which comes first");
    if (sets.empty()) f.reject("sets", "expected at least one");
  }
  Takes takes() const override { return Takes::experiments; }
  std::string help() const override {
    return "Trains the experiment's network naturally (or starts from model.weights), then for each set of blocks: "
           "re-initialises the set's weights, freezes everything else, and trains with the experiment's own method. "
           "Running statistics of frozen blocks still move. Every training is a run below the output folder; an "
           "interrupted analysis continues.";
  }

  Findings run(const AnalysisContext& context) override {
    TEMPER_CHECK(context.subjects.size() == 1, "reinit: expected one experiment, got ", context.subjects.size());
    const Config& base = context.subjects.front().config;
    Findings f{.title = "Training some blocks only",
               .columns = {"blocks", "start", "trained_weights", "natural", "attack", "robust"}};
    check(base);
    const std::string start = natural_weights(base, context, f);
    for (const bool renew : {true, false}) {
      if (when == (renew ? When::no : When::yes)) continue;
      const std::string how = renew ? "new" : "natural";
      Bars bars{.title = cat("Accuracy with only some blocks trained, from ", how, " weights"),
                .y_label = "accuracy",
                .groups = {{"natural", 0, {}}, {"robust", 1, {}}},
                .unit = "%"};
      Chart chart{.title = cat("Robust validation accuracy, from ", how, " weights"),
                  .x_label = "epoch",
                  .y_label = "robust accuracy",
                  .unit = "%"};
      for (const BlockSet& set : sets) {
        Config config = base;
        const RunFolder folder{context.out / cat(how, "-", set.label)};
        const int64_t trained = prepare(config, set, renew, start, folder);
        Experiment e = read_experiment(config);
        train_watched(e, folder, context.observer);
        const std::vector<TestRow> rows = test(e, folder, context.observer);
        add_rows(f, set.label, how, trained, rows);
        bars.categories.push_back(set.label);
        bars.groups[0].values.push_back(rows.front().accuracy.percent());
        bars.groups[1].values.push_back(rows.size() > 1 ? rows[1].accuracy.percent() : double{NAN});
        Series line{.name = set.label, .color = static_cast<int>(chart.series.size() % 6)};
        for (const EpochRow& epoch : read_epoch_table(folder.epochs_csv()))
          line.points.emplace_back(epoch.epoch, epoch.robust);
        chart.series.push_back(line);
      }
      f.pictures.emplace_back(how, bar_chart(bars));
      f.pictures.emplace_back(how + "-curves", line_chart(chart));
    }
    f.notes = {"Accuracy in percent of the test images after the last epoch; the first row is the natural network."};
    return f;
  }

 private:
  // Errors that would otherwise appear after the natural training.
  void check(const Config& base) const {
    Experiment e = read_experiment(base);
    const DataSplits data = read_splits(e);
    check_test_split(e, data);
    Engine engine(e.engine_options());
    const Network network(engine, *e.model.architecture, e.network_options(data.shape));
    for (const BlockSet& set : sets)
      for (const std::string& glob : set.globs)
        TEMPER_CHECK(!network.params().match(glob).empty(), "reinit: set ", set.label, ": '", glob,
                     "' matches no parameter of ", e.model.name,
                     "; list the sets under analysis.sets with this network's names");
  }

  // The file that every set starts from, and the first row.
  std::string natural_weights(const Config& base, const AnalysisContext& context, Findings& f) const {
    const RunFolder folder{context.out / "natural"};
    Config config = base;
    put(config, "trainer", "name", "standard", "analysis reinit");
    overlay(config, natural);
    Experiment e = read_experiment(config);
    const bool given = !e.model.weights.empty();
    const std::string file = given ? e.model.weights : (context.out / "natural.safetensors").string();
    if (!given) train_watched(e, folder, context.observer);
    const ImageSet images = test_images(e).images;
    Engine engine(e.engine_options());
    const std::unique_ptr<Network> network = given ? make_network(engine, e, shape_of(images))
                                                   : load_run_network(engine, e, folder, "last", shape_of(images));
    if (!given) save_weights(*network, file);
    add_rows(f, "-", "natural", network->params().numel(),
             evaluate_test(engine, *network, e, images, context.observer));
    return file;
  }

  // Completes the configuration of one set, writes the weights that it starts from, and returns how many are trained.
  int64_t prepare(Config& config, const BlockSet& set, bool renew, const std::string& start,
                  const RunFolder& folder) const {
    Experiment plain = read_experiment(config);
    Engine engine(plain.engine_options());
    plain.model.weights = start;
    const std::unique_ptr<Network> network = make_network(engine, plain, read_splits(plain).shape);
    const ParamLayout& layout = network->params();
    ConfigNode frozen = ConfigNode::list();
    int64_t trained = 0;
    for (const Param& p : layout.all())
      if (any_matches(set.globs, p.name) || any_matches(always, p.name))
        trained += p.shape.numel();
      else
        frozen.push_back(p.name);
    config.root["model"]["freeze"] = frozen;
    const std::string file = (folder.root.parent_path() / (folder.root.filename().string() + ".safetensors")).string();
    config.root["model"]["weights"] = file;
    if (renew) draw_anew(network->weights().params, set, plain.seed);
    save_weights(*network, file);
    return trained;
  }

  // Convolutions: U(-b, b) with b = sqrt(6 / fan_out), PyTorch's kaiming_uniform_ for ReLU; linear layers: N(0,
  // 0.01^2); their biases: 0.
  void draw_anew(ParamBuffer& params, const BlockSet& set, uint64_t seed) const {
    const ParamLayout& layout = params.layout();
    const RngKey key{.seed = seed, .stream_id = RngStreamId::init, .step = 1};
    for (int i = 0; i < layout.count(); ++i) {
      const Param& p = layout[i];
      if (!any_matches(set.globs, p.name)) continue;
      Init draw = init::zeros();
      if (p.shape.rank() == 4)
        draw = init::uniform(std::sqrt(6.0 / static_cast<double>(p.shape[0] * p.shape[1] * p.shape[2])));
      else if (p.shape.rank() == 2)
        draw = init::normal(0.01);
      else if (is_batch_norm(layout, p.name)) {
        if (bn == Keep::keep) continue;
        if (p.name.ends_with(".weight")) draw = init::ones();
      }
      std::vector<double> values(static_cast<size_t>(p.shape.numel()));
      for (size_t k = 0; k < values.size(); ++k)
        values[k] = draw(key, static_cast<uint32_t>(i), static_cast<uint32_t>(k));
      params.write(i, values);
    }
    params.bump_version();
  }

  // Of the one-extent parameters, those of BatchNorm are the ones whose weight has one extent as well.
  static bool is_batch_norm(const ParamLayout& layout, const std::string& name) {
    const int weight = layout.find(name.substr(0, name.rfind('.')) + ".weight");
    return weight >= 0 && layout[weight].shape.rank() == 1;
  }

  static std::vector<TestRow> test(const Experiment& e, const RunFolder& folder, Observer& observer) {
    const ImageSet images = test_images(e).images;
    Engine engine(e.engine_options());
    const std::unique_ptr<Network> network = load_run_network(engine, e, folder, "last", shape_of(images));
    return evaluate_test(engine, *network, e, images, observer);
  }

  static void add_rows(Findings& f, const std::string& blocks, const std::string& start, int64_t trained,
                       const std::vector<TestRow>& rows) {
    for (size_t i = 1; i < rows.size(); ++i)
      f.rows.push_back({blocks, start, trained, rows[0].accuracy.percent(), rows[i].label, rows[i].accuracy.percent()});
    if (rows.size() == 1) f.rows.push_back({blocks, start, trained, rows[0].accuracy.percent(), nullptr, nullptr});
  }
};

TEMPER_REGISTER(Analysis, Reinit, "reinit", "which blocks of a natural network must change to become robust");

}  // namespace

}  // namespace temper
