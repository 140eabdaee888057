// Do two parts of a loss pull the weights in opposite directions (ARAT)?
#include <cmath>
#include <functional>
#include <map>

#include "analysis/analysis.h"
#include "attacks/pgd.h"
#include "core/ops_elementwise.h"
#include "core/ops_pool.h"
#include "evaluation/report_bars.h"
#include "trainers/run_network.h"
#include "trainers/signals.h"
#include "trainers/state.h"

namespace temper {

namespace {

/// What a loss term is made of: the logits and the tapped features of the images as they are and under attack.
struct Views {
  Var natural, robust;
  std::vector<Var> natural_features, robust_features;  ///< (N, channels)
  Tensor labels;
};

using Term = Var (*)(Tape&, const Views&);

enum class Cut : uint8_t { natural, robust };

// 1 - cos of the features, averaged over the taps, with the gradient cut on one side.
Var invariance(Tape& tape, const Views& v, Cut cut) {
  Var sum;
  const auto count = static_cast<float>(v.natural_features.size());
  for (size_t i = 0; i < v.natural_features.size(); ++i) {
    const Var a = v.robust_features[i], b = v.natural_features[i];
    const Var one =
        cosine_distance(tape, cut == Cut::robust ? stop_gradient(a) : a, cut == Cut::natural ? stop_gradient(b) : b);
    sum = i == 0 ? scale(tape, one, 1 / count) : add(tape, sum, one, 1 / count);
  }
  return sum;
}

const std::map<std::string, Term>& terms() {
  static const std::map<std::string, Term> all = {
      {"clean_ce", [](Tape& t, const Views& v) { return cross_entropy(t, v.natural, v.labels); }},
      {"adversarial_ce", [](Tape& t, const Views& v) { return cross_entropy(t, v.robust, v.labels); }},
      {"kl", [](Tape& t, const Views& v) { return kl_divergence(t, v.robust, v.natural); }},
      {"kl_adversarial", [](Tape& t, const Views& v) { return kl_divergence(t, v.robust, stop_gradient(v.natural)); }},
      {"invariance", [](Tape& t, const Views& v) { return invariance(t, v, Cut::natural); }},
      {"invariance_clean", [](Tape& t, const Views& v) { return invariance(t, v, Cut::robust); }},
      {"invariance_symmetric", [](Tape& t, const Views& v) {
         return add(t, scale(t, invariance(t, v, Cut::natural), 0.5f), invariance(t, v, Cut::robust), 0.5f);
       }}};
  return all;
}

struct Pair {
  std::vector<std::string> first, second;

  std::string name() const { return join(first, "+") + " vs " + join(second, "+"); }
  void fields(Fields& f) {
    f("first", first, "terms whose sum is differentiated for G1");
    f("second", second, "the same for G2");
    std::vector<std::string> known;
    for (const auto& [name, term] : terms()) known.push_back(name);
    for (const char* key : {"first", "second"}) {
      const std::vector<std::string>& names = std::string(key) == "first" ? first : second;
      if (names.empty()) f.reject(key, "expected at least one of ", join(known));
      for (const std::string& name : names)
        if (!terms().count(name))
          f.reject(key, "unknown term '", name, "'", did_you_mean(name, known), " (known: ", join(known), ")");
    }
  }
};

/// Sums over the elements of some weights.
struct Agreement {
  double dot = 0, first = 0, second = 0;
  int64_t opposed = 0, count = 0;

  void add(double a, double b) {
    dot += a * b;
    first += a * a;
    second += b * b;
    opposed += a * b < 0;
    ++count;
  }
  double cosine() const { return dot / std::sqrt(first * second); }
  double conflict() const { return static_cast<double>(opposed) / static_cast<double>(count); }
};

struct Conflict : Analysis {
  std::vector<Pair> pairs = {{{"clean_ce"}, {"adversarial_ce"}}, {{"clean_ce", "adversarial_ce"}, {"kl"}}};
  std::vector<std::string> taps = {"features"};
  std::string clean_branch, adversarial_branch, weights = "last";
  int64_t batches = 8;
  Pgd attack;

  void fields(Fields& f) override {
    f.list("pairs", pairs, "what is compared: first and second, each a list of terms that are added");
    f("taps", taps, "layers whose output, averaged over the image, the invariance terms compare");
    f("batches", batches, "training batches to average over");
    f("weights", weights, "last, best, ema or swa");
    f("clean_branch", clean_branch, "BatchNorm branch of the images as they are; empty: the first");
    f("adversarial_branch", adversarial_branch, "BatchNorm branch of attacked images; empty: the method's own");
    f.section("attack", attack);
    if (pairs.empty()) f.reject("pairs", "expected at least one");
    if (taps.empty()) f.reject("taps", "expected at least one layer");
    if (batches < 1) f.reject("batches", "expected at least 1, got ", batches);
  }
  Takes takes() const override { return Takes::runs; }
  std::string help() const override {
    return "Compares the gradients of two parts of a loss over the convolution and linear weights of trained networks: "
           "their cosine, and the share of weights that they move in opposite directions, in total and per layer, averaged "
           "over training batches. Terms: clean_ce, adversarial_ce, kl and kl_adversarial (gradient on the attacked side "
           "only) as in TRADES, and 1 - cosine of pooled features: invariance (gradient on the attacked side only), "
           "invariance_clean (on the other side only), invariance_symmetric (their mean). Both kinds of images pass "
           "with batch statistics; nothing is updated.";
  }

  Findings run(const AnalysisContext& context) override {
    Findings f{.title = "Gradient conflict", .columns = {"run", "pair", "layer", "cosine", "conflict"}};
    for (const Subject& s : context.subjects) {
      Bars cosines{.title = s.name + ": cosine of the gradients", .y_label = "cosine"};
      Bars shares{.title = s.name + ": share of opposed weights", .y_label = "share opposed"};
      const Means means = measure(s, context.observer);
      cosines.categories = shares.categories = means.layers;
      for (size_t p = 0; p < pairs.size(); ++p) {
        const std::string name = pairs[p].name();
        const int color = static_cast<int>(p % 6);
        for (size_t l = 0; l < means.layers.size(); ++l)
          f.rows.push_back({s.name, name, means.layers[l], number(means.cosine[p][l]), number(means.conflict[p][l])});
        cosines.groups.push_back({cat("pair ", p + 1), color, means.cosine[p]});
        shares.groups.push_back({cat("pair ", p + 1), color, means.conflict[p]});
        f.notes.push_back(cat("Pair ", p + 1, ": ", name, "."));
      }
      if (&s != &context.subjects.back()) f.notes.clear();  // the same for every run
      f.pictures.emplace_back(s.name + "-cosine", bar_chart(cosines));
      f.pictures.emplace_back(s.name + "-conflict", bar_chart(shares));
    }
    f.notes.push_back("The attack: " + attack.describe() + ".");
    return f;
  }

 private:
  /// Means over the batches, per pair and layer; the first layer is "all".
  struct Means {
    std::vector<std::string> layers;
    std::vector<std::vector<double>> cosine, conflict;
  };

  Means measure(const Subject& s, Observer& observer) const {
    const Experiment e = read_experiment(s.config);
    const DataSplits data = read_splits(e);
    Engine engine(e.engine_options());
    const std::unique_ptr<Network> network = load_run_network(engine, e, *s.folder, weights, data.shape);
    Loader loader(engine, data.train,
                  {.batch_size = e.loop.batch_size, .shuffle = Shuffle::every_epoch, .augmentation = e.augment});
    const int natural = clean_branch.empty() ? 0 : network->branch(clean_branch);
    const int robust =
        adversarial_branch.empty() ? e.trainer.method->eval_branch(*network) : network->branch(adversarial_branch);
    const ParamStore& store = network->params();
    std::vector<int> compared;  // convolution and linear weights: everything else has one extent
    Means means{.layers = {"all"}};
    for (int i = 0; i < store.count(); ++i)
      if (store[i].shape.rank() > 1) {
        compared.push_back(i);
        means.layers.push_back(store[i].name);
      }
    means.cosine.assign(pairs.size(), std::vector<double>(means.layers.size()));
    means.conflict = means.cosine;

    Flat first(store, network->options().dtype, engine.stream()),
        second(store, network->options().dtype, engine.stream());
    const int64_t count = std::min(batches, loader.batches());
    for (int64_t b = 0; b < count; ++b) {
      const Arena::Scope scope(engine.arena());
      const Batch batch = loader.load(1, b);
      Tape tape(engine, Wrt::params);
      const Views views = views_of(tape, *network, batch, natural, robust);
      for (size_t p = 0; p < pairs.size(); ++p) {
        tape.backward(sum_of(tape, pairs[p].first, views), first);
        tape.backward(sum_of(tape, pairs[p].second, views), second);
        std::vector<Agreement> sums(means.layers.size());
        for (size_t l = 0; l < compared.size(); ++l) {
          const std::vector<double> g = first.read(compared[l]), h = second.read(compared[l]);
          for (size_t i = 0; i < g.size(); ++i) {
            sums[0].add(g[i], h[i]);
            sums[l + 1].add(g[i], h[i]);
          }
        }
        for (size_t l = 0; l < sums.size(); ++l) {
          means.cosine[p][l] += sums[l].cosine() / static_cast<double>(count);
          means.conflict[p][l] += sums[l].conflict() / static_cast<double>(count);
        }
      }
      observer.on_evaluate(s.name, b + 1, count);
      if (SignalGuard::raised()) throw Interrupted{};
    }
    return means;
  }

  // One forward of each kind of images; the losses of all pairs are built on it.
  Views views_of(Tape& tape, const Network& network, const Batch& batch, int natural, int robust) const {
    const auto pass_of = [](int branch) {
      return Pass{.bn = BnStats::batch, .update = BnUpdate::no, .branch = branch};
    };
    const Tensor x_adv = attack.run(
        tape.engine(), batch, [&](Tape& t, const Var& x) { return network(t, x, pass_of(robust)); }, 0);
    Views v{.labels = batch.labels};
    const auto see = [&](const Tensor& images, int branch, std::vector<Var>& features) {
      Taps tapped(taps);
      Pass pass = pass_of(branch);
      pass.taps = &tapped;
      const Var logits = network(tape, tape.input(images), pass);
      for (const std::string& name : taps) {
        const Var at = tapped.at(name);
        features.push_back(at.value.shape.rank() == 4 ? global_avg_pool(tape, at) : at);
      }
      return logits;
    };
    v.natural = see(batch.images, natural, v.natural_features);
    v.robust = see(x_adv, robust, v.robust_features);
    return v;
  }

  static Var sum_of(Tape& tape, const std::vector<std::string>& names, const Views& views) {
    Var sum;
    for (const std::string& name : names) {
      const Var one = terms().at(name)(tape, views);
      sum = sum.value ? add(tape, sum, one) : one;
    }
    TEMPER_CHECK(sum.needs_grad(), "conflict: ", join(names, "+"),
                 " depends on no weight; choose analysis.taps behind a layer that has some");
    return sum;
  }
};

TEMPER_REGISTER(Analysis, Conflict, "conflict", "whether two parts of a loss pull the weights apart");

}  // namespace

}  // namespace temper
