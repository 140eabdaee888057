// Every optimisation that can be switched off, switched off by itself: a training keeps the ledger's promise.
#include <algorithm>
#include <cmath>
#include <fstream>

#include "core/optimisations.h"
#include "source_dir.h"
#include "tests/fixtures/catch.h"
#include "tests/fixtures/fake_recorder.h"
#include "tests/fixtures/training_fixture.h"
#include "trainers/loop/train_step.h"

using namespace temper;
using Catch::Matchers::StartsWith;

namespace {

/// A convolution of every kind that a CPU treats in its own way, a residual, a bias.
struct EveryKind : Architecture {
  struct Body : Module {
    ConvUnit first, one, two, wide;
    Conv2d biased;
    PooledLinear head;
    Body(const Builder& b, const DataShape& d)
        : first(b, "conv1", "bn1", {.in = d.channels, .out = 16}),
          one(b, "conv2", "bn2", {.in = 16, .out = 16}),
          two(b, "conv3", "bn3", {.in = 16, .out = 16}),
          wide(b, "conv4", "bn4", {.in = 16, .out = 32, .size = 5, .pad = 2}),
          biased(b, "conv5", {.in = 32, .out = 16, .stride = 2, .bias = Bias::yes}),
          head(b, "fc", {.in = 16, .out = d.classes}) {}
    Var forward(Tape& t, const Var& x, const Pass& p) const override {
      const Var a = first(t, x, p, {}, Activation::relu);
      const Var b = two(t, one(t, a, p, {}, Activation::relu), p, a, Activation::relu);
      return head(t, biased(t, wide(t, b, p, {}, Activation::relu), p, {}, Activation::relu), p);
    }
  };
  std::unique_ptr<Module> build(const Builder& b, const DataShape& data) const override {
    return std::make_unique<Body>(b, data);
  }
};
TEMPER_REGISTER(Architecture, EveryKind, "test_every_kind", "a convolution of every kind, for tests");

std::vector<std::string> settings(const std::string& compute, const std::string& without) {
  return {"model.name=test_every_kind", "threads=2", "ema.decay=0.9", "precision.compute=" + compute,
          "without=[" + without + "]"};
}

/// What a few steps come to.
std::vector<double> numbers(const std::string& compute, const std::string& without) {
  Experiment e = test::tiny(test::kPgdAt, settings(compute, without));
  return test::first_steps(e, 4).numbers;
}

/// How a step is made: its launches, one after the other, and what convolutions prepared.
struct Work {
  test::Launches launches;
  ConvStats stats;
  bool operator==(const Work& other) const { return launches == other.launches && stats == other.stats; }
};
Work work(const std::string& compute, const std::string& without) {
  Experiment e = test::tiny(test::kPgdAt, settings(compute, without));
  TrainingState state(e, read_splits(e));
  Work w;
  state.graph.emplace(state.engine, GraphUse::on, std::make_unique<test::ListingRecorder>(w.launches));
  train_step(state, "none");
  train_step(state, "none");
  w.stats = state.engine.conv().stats();
  for (CapturedStep::Launch& launch : w.launches) launch.arguments.clear();  // addresses
  return w;
}

double distance(const std::vector<double>& a, const std::vector<double>& b) {
  REQUIRE(a.size() == b.size());
  double worst = 0;
  for (size_t i = 0; i < a.size(); ++i) worst = std::max(worst, std::abs(a[i] - b[i]) / std::max(1.0, std::abs(b[i])));
  return worst;
}

/// The ledger's word for a row.
std::string label(const LedgerRow& row) {
  const bool cpu = row.on != Device::cuda && row.cpu == Claim::rounding,
             cuda = row.on != Device::cpu && row.cuda == Claim::rounding;
  return cuda && !cpu && !row.on ? "exact on the CPU" : cpu || cuda ? "rounding" : "exact";
}

}  // namespace

TEST_CASE("each optimisation, switched off by itself, changes what the ledger says", "[optimisations][exact]") {
  const std::string compute = GENERATE("f32", "f64");
  const std::vector<double> with = numbers(compute, "");
  const Work usual = work(compute, "");
  for (const LedgerRow& row : ledger()) {
    INFO("without " << row.name << " in " << compute);
    const std::vector<double> without = numbers(compute, row.name);
    const bool same = without == with;
    if (row.on == Device::cuda || row.cpu == Claim::exact)
      CHECK(same);
    else
      CHECK(distance(without, with) < (compute == "f32" ? 2e-4 : 1e-9));
    // The switch is connected: something is computed in another way. In f64 there is one way for convolutions.
    if (row.on != Device::cuda && compute == "f32" && test::kKernelsListed)
      CHECK((!same || !(work(compute, row.name) == usual)));
  }
}

TEST_CASE("each optimisation that can be switched off has its row in docs/exactness.md", "[optimisations][docs]") {
  std::map<std::string, std::string> labels;  // of the pages's rows, by what they are switched by
  std::ifstream page(std::string(TEMPER_SOURCE_DIR) + "/docs/exactness.md");
  for (std::string line; std::getline(page, line);) {
    std::vector<std::string> cells;
    for (size_t from = 0, bar; (bar = line.find(" | ", from)) != std::string::npos; from = bar + 3)
      cells.push_back(line.substr(from, bar - from));
    if (cells.size() == 3) labels[cells[2].substr(0, cells[2].find(','))] = cells[1];
  }
  for (const LedgerRow& row : ledger()) {
    INFO(row.name);
    REQUIRE(labels.count(cat('`', row.name, '`')) == 1);
    CHECK_THAT(labels[cat('`', row.name, '`')], StartsWith(label(row)));
  }
}

TEST_CASE("exact: everything that rounds is off, and what does not is on", "[optimisations][exact]") {
  const auto without = [](const std::vector<std::string>& set) { return test::tiny(test::kPgdAt, set).without; };
  const Optimisations exact = without({"exact=true"});
  for (const LedgerRow& row : ledger()) {
    INFO(row.name);
    CHECK(exact.has(row.which) == (label(row) != "exact"));
    CHECK(without({cat("without=[", row.name, "]")}) == Optimisations{row.which});
  }
  CHECK_THROWS_WITH(without({"without=[winograd, wino]"}),
                    ContainsSubstring("without: unknown optimisation 'wino' (known: prepared_filters, "));
}
