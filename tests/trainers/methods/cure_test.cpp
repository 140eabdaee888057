// CURE's steps; its parts are in cure_parts_test.cpp, and ten whole steps are compared with PyTorch in
// golden_cure_test.cpp.
#include <algorithm>
#include <cmath>
#include <csignal>

#include "core/files/file.h"
#include "core/ops/loss.h"
#include "tests/fixtures/cure_fixture.h"
#include "tests/fixtures/devices.h"
#include "tests/fixtures/tensors.h"
#include "tests/fixtures/training_fixture.h"
#include "trainers/methods/parts/revision.h"
#include "trainers/methods/parts/scalar.h"

using namespace temper;

using test::arrays_of;
using test::fill_with;

namespace {

constexpr const char* kAttack = ", attack: {radius: 0.1, step: 0.05, steps: 2}}";

/// Finds a method's numbers and buffers by name.
struct Finder : StateVisitor {
  std::string name;
  ParamBuffer* flat = nullptr;
  int64_t number = -1;
  void operator()(const std::string&, double&) override {}
  void operator()(const std::string& n, int64_t& v) override {
    if (n == name) number = v;
  }
  void operator()(const std::string& n, ParamBuffer& f) override {
    if (n == name) flat = &f;
  }
};

struct Setup {
  Experiment experiment;
  TrainingState state;
  explicit Setup(Device device, const std::string& trainer, const std::vector<std::string>& set = {})
      : experiment(test::tiny(trainer, test::on(device, set))), state(experiment, read_splits(experiment)) {}

  Trainer& method() { return *experiment.trainer.method; }
  ParamBuffer& gradient() { return state.trained[0].gradient; }
  ParamBuffer& params() { return state.network->weights().params; }
  ParamBuffer& buffer(const std::string& name) {
    Finder finder;
    finder.name = name;
    state.visit(finder);
    REQUIRE(finder.flat);
    return *finder.flat;
  }
  /// Loss and gradient of the first batch, without a step.
  double gradients() {
    const Arena::Scope scope(state.engine.arena());
    TrainContext context = state.context();
    return method().gradients(context, state.train.load(1, 0), state.gradients());
  }
  std::map<std::string, double> metrics() {
    std::map<std::string, double> out;
    method().step_metrics([&](const std::string& name, double value) { out[name] = value; });
    return out;
  }
};

}  // namespace

TEMPER_DEVICE_TEST("revision: a pass moves its own statistics in train mode, nothing in eval mode, never the network's",
                   "[trainers][cure]") {
  for (const char* bn : {"train", "eval"}) {
    Setup s(device, std::string("{name: cure, revision: {rate: 0, bn: ") + bn + "}" + kAttack);
    ParamBuffer &params = s.buffer("revision.params"), &buffers = s.buffer("revision.buffers");
    const auto weights = arrays_of(params), statistics = arrays_of(buffers), network = arrays_of(s.params());
    s.gradients();
    CHECK(arrays_of(params) == weights);
    CHECK((arrays_of(buffers) == statistics) == (std::string(bn) == "eval"));
    CHECK(arrays_of(s.params()) == network);
  }
}

TEMPER_DEVICE_TEST("revision: an alias has the network's parameters at every step", "[trainers][cure]") {
  Setup s(device, std::string("{name: cure, revision: {kind: alias, rate: 0.5}") + kAttack);
  for (int step = 0; step < 4; ++step) {
    train_step(s.state, "none");
    CHECK(arrays_of(s.buffer("revision.params")) == arrays_of(s.params()));
  }
}

TEMPER_DEVICE_TEST("revision: an alias makes the consistency loss 0 and multiplies the network by a (2 - a)",
                   "[trainers][cure]") {
  // After one step: of a copy of the network the consistency loss is 0, too, so the optimiser does the same.
  const auto after_a_step = [&](const std::string& revision) {
    Setup s(device, "{name: cure, revision: {" + revision + "}" + kAttack, {"ema.decay=0.25", "ema.warm_up=false"});
    train_step(s.state, "none");
    return std::pair{arrays_of(s.params()), arrays_of(s.state.ema->weights().params)};
  };
  const auto start = arrays_of(Setup(device, std::string("{name: cure") + kAttack).params());
  const auto copy = after_a_step("rate: 1, keep: 0.5"), alias = after_a_step("rate: 1, keep: 0.5, kind: alias"),
             still = after_a_step("rate: 0, keep: 0.5, kind: alias");
  for (size_t t = 0; t < copy.first.size(); ++t)
    for (size_t i = 0; i < copy.first[t].size(); ++i) {
      CHECK(still.first[t][i] == copy.first[t][i]);
      CHECK(alias.first[t][i] == Approx(0.75 * copy.first[t][i]).epsilon(1e-6));
      CHECK(alias.second[t][i] == Approx(0.25 * start[t][i] + 0.75 * alias.first[t][i]).margin(1e-6));
    }
  // The official schedule's: 121 epochs of 391 steps, one revision in five of them.
  Setup s(device, std::string("{name: cure, revision: {kind: alias, warm_up: true}") + kAttack);
  RevisionOptions options{.warm_up = true, .kind = RevisionOptions::Kind::alias};
  double product = 1, expected = 0;
  Revision revision(s.state.engine, *s.state.network, options);
  TrainContext context = s.state.context();
  for (context.step = 0; context.step < 2000; ++context.step) {
    const double t = static_cast<double>(context.step + 1), a = std::min(1 - 1 / (t + 1), 0.999);
    product *= 1 - revision.shrinkage(context);
    expected += 0.2 * std::log(a * (2 - a));
    revision.after_step(context);
  }
  CHECK(std::exp(expected) == Approx(0.87).margin(0.005));
  CHECK(product > 0.5);
  CHECK(product < 1);
}

TEMPER_DEVICE_TEST("cure: the consistency term is KL(revision || network), of both batches", "[trainers][cure]") {
  Setup s(
      device,
      "{name: cure, beta: 0, gamma: 3, attack: {radius: 0, steps: 1, step: 0.01, start: none}, revision: {bn: eval}}");
  ParamBuffer& revision = s.buffer("revision.params");
  fill_with(revision, [](double i) { return 0.3 * std::sin(i); });
  const double loss = s.gradients();
  // x_adv = x: the term is twice 3 KL(rev || net) of the same images.
  Engine& engine = s.state.engine;
  const Arena::Scope scope(engine.arena());
  const Batch batch = s.state.train.load(1, 0);
  const auto logits = [&](ParamBuffer* params, Pass pass) {
    Weights& w = s.state.network->weights();
    const ParamBuffer keep(w.params.layout(), w.params.dtype(), engine.stream());
    ParamBuffer saved(w.params.layout(), w.params.dtype(), engine.stream());
    saved.copy_from(w.params);
    if (params) w.params.copy_from(*params);
    const Tensor z = s.state.network->predict(engine, batch.images, pass);
    w.params.copy_from(saved);
    return z;
  };
  // The statistics the revision model started with: zeros and ones.
  s.state.network->weights().buffers.copy_from(s.buffer("revision.buffers"));
  const Tensor rev = logits(&revision, Pass::eval()), net = logits(nullptr, Pass{.update = BnUpdate::no});
  const auto probabilities = [&](const Tensor& logits) {
    std::vector<double> p = test::numbers_of(engine, logits);
    for (size_t at = 0; at < p.size(); at += 3) {
      double sum = 0;
      for (size_t k = at; k < at + 3; ++k) sum += p[k] = std::exp(p[k]);
      for (size_t k = at; k < at + 3; ++k) p[k] /= sum;
    }
    return p;
  };
  const std::vector<double> of_revision = probabilities(rev), of_network = probabilities(net);
  const std::vector<int32_t> labels = test::values_of<int32_t>(engine, batch.labels);
  double ce = 0, kl = 0, other_way = 0;
  const int64_t n = batch.size();
  for (int64_t i = 0; i < n; ++i) {
    ce -= std::log(of_network[i * 3 + labels[i]]) / static_cast<double>(n);
    for (int64_t c = 0; c < 3; ++c) {
      const double p = of_revision[i * 3 + c], q = of_network[i * 3 + c];
      kl += p * std::log(p / q) / static_cast<double>(n);
      other_way += q * std::log(q / p) / static_cast<double>(n);
    }
  }
  CHECK(loss == Approx(ce + 6 * kl).epsilon(1e-4));
  CHECK(std::abs(other_way - kl) > 0.01 * kl);  // or the test could not tell them apart
}

TEMPER_DEVICE_TEST("cure: without revision and mask it is TRADES, bit for bit", "[trainers][cure]") {
  Setup trades(device, std::string("{name: trades, beta: 5") + kAttack);
  Setup cure(device, std::string("{name: cure, beta: 5, gamma: 0, rgp: {percent: 0}") + kAttack);
  CHECK(trades.gradients() == cure.gradients());
  CHECK(arrays_of(trades.gradient()) == arrays_of(cure.gradient()));
  CHECK_FALSE(cure.method().movement(cure.state.context()).mask.buffer);
}

TEMPER_DEVICE_TEST("cure: three gradient sets add up to the gradient of the whole loss", "[trainers][cure]") {
  for (const char* robust : {"cross_entropy", "kl"})
    for (const char* step_loss : {"total", "weighted"}) {
      const std::string options = cat("beta: 5, step_loss: ", step_loss, ", rgp: {alpha: 0.25, robust: ", robust);
      INFO(options);
      Setup separate(device, "{name: cure, " + options + "}" + kAttack);
      Setup whole(device, "{name: cure, " + options + ", score: step_abs}" + kAttack);
      CHECK(separate.gradients() == Approx(whole.gradients()).epsilon(1e-6));
      const auto a = arrays_of(separate.gradient()), b = arrays_of(whole.gradient());
      for (size_t t = 0; t < a.size(); ++t)
        for (size_t i = 0; i < a[t].size(); ++i) CHECK(a[t][i] == Approx(b[t][i]).margin(2e-6));
    }
}

TEMPER_DEVICE_TEST("cure: warms up naturally, then the revision model starts from the network", "[trainers][cure]") {
  Setup natural(device, "{name: standard}");
  Setup s(device, std::string("{name: cure, warm_up: {epochs: 1}") + kAttack);
  CHECK(s.gradients() == natural.gradients());
  CHECK(arrays_of(s.gradient()) == arrays_of(natural.gradient()));
  CHECK_FALSE(s.method().movement(s.state.context()).mask.buffer);
  CHECK(s.metrics().empty());
  fill_with(s.params(), [](double i) { return 0.1 * std::sin(i); });
  s.state.progress.epoch = 2;
  TrainContext context = s.state.context();
  s.method().before_epoch(context);
  CHECK(arrays_of(s.buffer("revision.params")) == arrays_of(s.params()));
  s.gradients();
  CHECK(s.method().movement(s.state.context()).mask.buffer);
  CHECK(s.metrics().at("kept/total") >= 0.69);  // more: units that never fire have zeros, which tie
}

TEMPER_DEVICE_TEST("cure: stopped where the warm-up ends, or later, and resumed, a run ends with the same bits",
                   "[trainers][cure]") {
  struct Stop : test::Recorder {
    int64_t epoch, step;
    void on_step(const StepReport& r) override {
      if (r.epoch == epoch && r.step == step) std::raise(SIGTERM);
    }
  };
  const auto train = [&](const std::filesystem::path& folder, Observer& observer, Resume resume) {
    Experiment e = test::tiny(std::string("{name: cure, warm_up: {epochs: 1}, rgp: {gate: all}, "
                                          "revision: {rate: 0.5, keep: 0.9, warm_up: true, decay_from: 3}") +
                                  kAttack,
                              test::on(device));
    run_training(e, {folder}, observer, resume);
    return read_file(RunFolder{folder}.last().string());
  };
  const test::TemporaryFolder whole;
  test::Recorder recorder;
  const std::vector<char> want = train(whole.path(), recorder, Resume::no);
  for (const auto& [epoch, step] : {std::pair<int64_t, int64_t>{1, 6}, {2, 1}, {3, 4}}) {
    const test::TemporaryFolder cut;
    Stop stop;
    stop.epoch = epoch;
    stop.step = step;
    CHECK(train(cut.path(), stop, Resume::no) != want);
    CHECK(train(cut.path(), recorder, Resume::yes) == want);
  }
}

TEST_CASE("cure: wrong options say where and what is expected", "[cure]") {
  const auto with = [](const std::string& set) { return [=] { test::tiny("{name: cure}", {"trainer." + set}); }; };
  const std::pair<const char*, const char*> wrong[] = {
      {"beta=-1", "trainer.beta: expected 0 or more, got -1"},
      {"gamma=-1", "trainer.gamma: expected 0 or more, got -1"},
      {"step_loss=sum", "trainer.step_loss: expected one of total, weighted, got 'sum'"},
      {"warm_up.epochs=-1", "trainer.warm_up.epochs: expected 0 or more, got -1"},
      {"rgp.percent=100", "trainer.rgp.percent: expected 0 or more and below 100, got 100"},
      {"rgp.alpha=2", "trainer.rgp.alpha: expected 0 to 1, got 2"},
      {"rgp.score=paper", "trainer.rgp.score: expected one of abs, signed_sum, abs_of_sum, step_abs, step_signed"},
      {"rgp.globs=[conv1]", "trainer.rgp.globs: expected globs with maskable: globs, and none otherwise, got 1"},
      {"rgp.maskable=globs", "trainer.rgp.globs: expected globs with maskable: globs, and none otherwise, got 0"},
      {"revision.rate=1.5", "trainer.revision.rate: expected 0 to 1, got 1.5"},
      {"revision.keep=-1", "trainer.revision.keep: expected 0 to 1, got -1"},
      {"revision.decay_from=-1", "trainer.revision.decay_from: expected 0 or more, got -1"},
      {"revision.decay_factor=2", "trainer.revision.decay_factor: expected 0 to 1, got 2"}};
  for (const auto& [set, text] : wrong) CHECK_THROWS_WITH(with(set)(), ContainsSubstring(text));
}
