// What the driver of attacks does beside moving: counters, early stop, numbers for each sample, survivors, targets, and
// objectives that see more than logits.
#include "attacks/driver.h"

#include <algorithm>
#include <numeric>

#include "attacks/pgd.h"
#include "core/host.h"
#include "core/ops/elementwise.h"
#include "core/ops/pool.h"
#include "tests/fixtures/devices.h"
#include "tests/fixtures/fake_recorder.h"
#include "tests/fixtures/networks.h"
#include "tests/fixtures/toy_net.h"

using namespace temper;
using test::numbers_of;
using test::ToyBatch;
using test::ToyNet;
using test::values_of;

namespace {

constexpr int64_t kSamples = 12;
/// Strong enough to fool most samples of the toy network and not others, with steps too long to climb steadily.
const PgdOptions kPart{.radius = 0.1, .step = 0.1, .steps = 4};

struct World {
  Engine engine;
  ToyNet net{engine};
  ToyBatch toy{engine, kSamples};
  Batch& batch = toy.batch;

  /// The network labels the images itself, so that it is right about all of them.
  explicit World(Device device = Device::cpu)
      : engine({.device = device, .arena_mb = 64, .reference_conv = device == Device::cpu}) {
    batch.labels = test::labels_of(engine, answers(batch.images));
  }
  AttackCall call(const Classifier& classifier, Wanted wanted = Wanted::images) {
    return {engine, batch, classifier, RngStream(engine.seed(), 3), wanted};
  }
  std::vector<int32_t> answers(const Tensor& images) {
    Tape tape(engine, Wrt::nothing);
    return predictions(engine, net(tape, {images}, false).value);
  }
  std::vector<double> fooled(const Tensor& images) {
    const std::vector<int32_t> got = answers(images), labels = host_indices(engine, batch.labels);
    std::vector<double> out;
    for (size_t i = 0; i < got.size(); ++i) out.push_back(got[i] != labels[i]);
    return out;
  }
  std::vector<int32_t> host(const Tensor& t) { return host_indices(engine, t); }
};

PgdOptions with_restarts(int restarts, PgdOptions::RestartRule rule) {
  PgdOptions o = kPart;
  o.restarts = restarts;
  o.restart_rule = rule;
  return o;
}

/// The rows of a matrix of `rows` rows, one after the other.
std::vector<std::vector<float>> rows_of(const std::vector<float>& all, size_t rows) {
  std::vector<std::vector<float>> out;
  for (size_t i = 0; i < rows; ++i)
    out.emplace_back(all.begin() + i * all.size() / rows, all.begin() + (i + 1) * all.size() / rows);
  return out;
}

}  // namespace

TEMPER_DEVICE_TEST("an attack's result says what was found and what it took", "[attacks]") {
  World w(device);
  const Classifier classifier = w.net.classifier();
  const AttackResult last = Pgd(kPart).run(w.call(classifier));
  CHECK(!last.success);
  CHECK(!last.loss);
  CHECK(w.host(last.steps) == std::vector<int32_t>(kSamples, 4));
  CHECK(w.host(last.queries) == std::vector<int32_t>(kSamples, 4));

  const AttackResult any = Pgd(with_restarts(3, Pgd::RestartRule::any_success)).run(w.call(classifier));
  CHECK(numbers_of(w.engine, any.success) == w.fooled(any.images));
  CHECK(w.host(any.steps) == std::vector<int32_t>(kSamples, 12));
  CHECK(w.host(any.queries) == std::vector<int32_t>(kSamples, 15));

  const AttackResult best = Pgd(with_restarts(3, Pgd::RestartRule::best_loss)).run(w.call(classifier));
  Tape tape(w.engine, Wrt::nothing);
  CHECK(numbers_of(w.engine, best.loss) ==
        numbers_of(w.engine, log_odds(tape, w.net(tape, {best.images}, false), w.batch.labels).value));
}

TEMPER_DEVICE_TEST("samples that were fooled take no part in further runs, which changes no answer", "[attacks]") {
  World w(device);
  const Pgd pgd(with_restarts(6, Pgd::RestartRule::any_success));
  for (const int64_t rows : {kSamples, int64_t{5}}) {
    const Classifier classifier = w.net.classifier().at_a_time(rows);
    const AttackResult all = pgd.run(w.call(classifier)), some = pgd.run(w.call(classifier, Wanted::success));
    const std::vector<double> fooled = numbers_of(w.engine, all.success);
    CHECK(numbers_of(w.engine, some.success) == fooled);
    CHECK(w.fooled(some.images) == fooled);
    CHECK(std::count(fooled.begin(), fooled.end(), 1) > 0);
    CHECK(std::count(fooled.begin(), fooled.end(), 0) > 0);
    const std::vector<int32_t> steps = w.host(some.steps);
    for (size_t i = 0; i < steps.size(); ++i) CHECK((steps[i] == 24 || fooled[i]));
    CHECK(std::accumulate(steps.begin(), steps.end(), 0) < 24 * kSamples);
  }
  // Nothing is left out where a run of the last points by their loss is wanted.
  const Pgd best(with_restarts(3, Pgd::RestartRule::best_loss));
  const Classifier classifier = w.net.classifier();
  CHECK(values_of<float>(w.engine, best.run(w.call(classifier, Wanted::success)).images) ==
        values_of<float>(w.engine, best.run(w.call(classifier)).images));
}

TEMPER_DEVICE_TEST("where all are fooled no further run is made", "[attacks]") {
  World w(device);
  std::vector<int32_t> wrong = w.answers(w.batch.images);
  for (int32_t& label : wrong) label = (label + 1) % ToyNet::kClasses;
  w.batch.labels = test::labels_of(w.engine, wrong);
  Pgd pgd(with_restarts(5, Pgd::RestartRule::any_success));
  pgd.radius = pgd.step = 0;
  const AttackResult found = pgd.run(w.call(w.net.classifier(), Wanted::success));
  CHECK(w.host(found.queries) == std::vector<int32_t>(kSamples, 5));
}

TEMPER_DEVICE_TEST("each sample with its own radius, step and steps is what an attack with those makes of it",
                   "[attacks]") {
  World w(device);
  const std::vector<double> radius = {0, 0.02, 0.05, 0.1}, step = {0.01, 0.02, 0.03, 0.04};
  const std::vector<int32_t> steps = {3, 0, 1, 2};
  std::vector<double> radii, lengths;
  std::vector<int32_t> counts;
  for (int64_t i = 0; i < kSamples; ++i) {
    radii.push_back(radius[i % 4]);
    lengths.push_back(step[i % 4]);
    counts.push_back(steps[i % 4]);
  }
  for (const auto& [norm, order] : {std::pair{Norm::linf, Pgd::L2Order::ball_first},
                                    {Norm::l2, Pgd::L2Order::ball_first},
                                    {Norm::l2, Pgd::L2Order::box_first}}) {
    PgdOptions o{.norm = norm, .steps = 3, .l2_order = order};
    const Classifier classifier = w.net.classifier().at_a_time(7);
    const PgdPlan plan{.radius = test::tensor_of(w.engine, {kSamples}, radii),
                       .step = test::tensor_of(w.engine, {kSamples}, lengths),
                       .steps = test::labels_of(w.engine, counts)};
    const AttackResult own = Pgd(o).run(w.call(classifier), Pgd(o).objective(classifier), plan);
    CHECK(w.host(own.steps) == counts);
    const auto got = rows_of(values_of<float>(w.engine, own.images), kSamples);
    for (size_t kind = 0; kind < 4; ++kind) {
      o.radius = radius[kind];
      o.step = step[kind];
      o.steps = steps[kind];
      const auto want = rows_of(values_of<float>(w.engine, Pgd(o).run(w.call(classifier)).images), kSamples);
      for (size_t i = kind; i < kSamples; i += 4) CHECK(got[i] == want[i]);
    }
  }
}

TEMPER_DEVICE_TEST("a sample that has been misclassified often enough stays where it is", "[attacks]") {
  World w(device);
  const Classifier classifier = w.net.classifier().at_a_time(5);
  const Pgd pgd({.radius = 0.1, .step = 0.01, .steps = 8, .start = Pgd::Start::none});
  const auto stopped = [&](std::optional<int> patience) {
    AttackDrive how = pgd.drives();
    how.patience = patience;
    return drive(w.call(classifier), pgd.objective(classifier), how,
                 [&](const AttackCall& part, const BatchRows& of) { return pgd.policy(part, of); });
  };
  // The points of the attack without a stop, and when each sample was fooled for the first time.
  std::vector<std::vector<std::vector<float>>> points;
  std::vector<int32_t> first(kSamples, 8);
  for (int steps = 8; steps >= 0; --steps) {
    Pgd shorter = pgd;
    shorter.steps = steps;
    const Tensor x = shorter.run(w.call(classifier)).images;
    const std::vector<double> fooled = w.fooled(x);
    for (size_t i = 0; i < kSamples; ++i)
      if (fooled[i] && steps < 8) first[i] = steps;
    points.insert(points.begin(), rows_of(values_of<float>(w.engine, x), kSamples));
  }
  const AttackResult now = stopped(0), never = stopped({}), patient = stopped(100);
  CHECK(w.host(now.steps) == first);
  CHECK(std::count(first.begin(), first.end(), 8) > 0);
  CHECK(std::count_if(first.begin(), first.end(), [](int32_t s) { return s > 0 && s < 8; }) > 0);
  const auto got = rows_of(values_of<float>(w.engine, now.images), kSamples);
  for (size_t i = 0; i < kSamples; ++i) CHECK(got[i] == points[first[i]][i]);
  CHECK(values_of<float>(w.engine, patient.images) == values_of<float>(w.engine, never.images));
  CHECK(w.host(patient.steps) == w.host(never.steps));
  const std::vector<int32_t> once_more = w.host(stopped(1).steps);
  for (size_t i = 0; i < kSamples; ++i) CHECK(once_more[i] >= std::min(first[i] + 1, 8));
}

TEMPER_DEVICE_TEST("a batch with targets is led to them", "[attacks]") {
  World w(device);
  std::vector<int32_t> targets = w.answers(w.batch.images);
  for (int32_t& t : targets) t = (t + 2) % ToyNet::kClasses;
  w.batch.targets = test::labels_of(w.engine, targets);
  Pgd pgd({.radius = 0.5, .step = 0.1, .steps = 20, .returns = Pgd::Return::any_success});
  for (const Pgd::Gradient gradient : {Pgd::Gradient::unsaturated, Pgd::Gradient::pytorch}) {
    pgd.gradient = gradient;
    const AttackResult found = pgd.run(w.call(w.net.classifier().at_a_time(5)));
    const std::vector<int32_t> got = w.answers(found.images);
    const std::vector<double> success = numbers_of(w.engine, found.success);
    for (size_t i = 0; i < kSamples; ++i) CHECK(success[i] == (got[i] == targets[i]));
    CHECK(std::count(success.begin(), success.end(), 1) > kSamples / 3);
  }
  pgd.loss = Pgd::Loss::margin;
  CHECK_THROWS_WITH(pgd.run(w.call(w.net.classifier())),
                    "pgd: the margin loss leads away from a label, but the batch has targets; set loss: cross_entropy");
  w.batch.targets = ToyBatch(w.engine, 5).batch.labels;
  CHECK_THROWS_WITH(Pgd().run(w.call(w.net.classifier())),
                    "pgd: images are (12, 8, 8, 3) so targets must be (12) i32, got (5) i32");
}

TEMPER_DEVICE_TEST("an objective sees features, and may ask another network", "[attacks]") {
  World w(device);
  const DataShape data{.height = ToyNet::kSide, .width = ToyNet::kSide, .classes = ToyNet::kClasses};
  const auto net = test::network(w.engine, "{name: small_cnn, widths: [4, 8], strides: [1, 2]}", {.data = data});
  const auto other =
      test::network(w.engine, "{name: small_cnn, widths: [4, 4], strides: [2, 1]}", {.data = data, .seed = 1});
  const auto features_of = [&](const Tensor& images) {
    Tape tape(w.engine, Wrt::nothing);
    Taps taps({"features"});
    Pass pass = Pass::eval();
    pass.taps = &taps;
    (*net)(tape, {images}, pass);
    return numbers_of(w.engine, taps.at("features").value);
  };
  const auto odds_of = [&](const Tensor& images) {
    Tape tape(w.engine, Wrt::nothing);
    return numbers_of(w.engine, log_odds(tape, (*other)(tape, {images}, Pass::eval()), w.batch.labels).value);
  };
  // Features turned away from those of the clean images, and the other network's answer with them.
  Tape clean(w.engine, Wrt::nothing);
  Taps taps({"features"});
  Pass pass = Pass::eval();
  pass.taps = &taps;
  (*net)(clean, {w.batch.images}, pass);
  const Tensor target = taps.at("features").value;
  // [objective]
  const Objective objective = [&](Tape& tape, const AttackView& at) {
    const Var away = cosine_distance(tape, at.taps.at("features"), {at.of(target)}, Reduction::none);
    return add(tape, away, log_odds(tape, (*other)(tape, at.images, Pass::eval()), at.batch.labels));
  };
  const Classifier classifier(*net, Pass::eval(), {"features"});
  // [objective]
  const Pgd pgd({.radius = 0.2, .step = 0.05});
  const Tensor x = pgd.run(w.call(classifier.at_a_time(5)), objective).images;
  CHECK(values_of<float>(w.engine, x) == values_of<float>(w.engine, pgd.run(w.call(classifier), objective).images));
  CHECK(features_of(x) != features_of(w.batch.images));
  const auto total = [](const std::vector<double>& v) { return std::accumulate(v.begin(), v.end(), 0.0); };
  CHECK(total(odds_of(x)) > total(odds_of(w.batch.images)));
}

TEST_CASE("early stop, plans and selection launch the same each time, whatever the samples do", "[attacks][graph]") {
  World w;
  const ToyBatch other(w.engine, kSamples, 50);
  const Classifier classifier = w.net.classifier();
  const Pgd pgd(with_restarts(2, Pgd::RestartRule::any_success));
  const auto launches = [&] {
    const Arena::Scope scope(w.engine.arena());
    AttackDrive how = pgd.drives();
    how.patience = 0;
    w.engine.capture().begin();
    drive(w.call(classifier, Wanted::success), pgd.objective(classifier), how,
          [&](const AttackCall& part, const BatchRows& of) { return pgd.policy(part, of); });
    return w.engine.capture().end().launches;
  };
  const test::Launches first = launches();
  // Other samples in the same memory.
  const std::vector<float> pixels = values_of<float>(w.engine, other.batch.images);
  std::copy(pixels.begin(), pixels.end(), w.batch.images.as<float>());
  CHECK(first.size() > 20);
  CHECK(test::difference(first, launches()) == "");
}
