#include "attacks/pgd.h"

#include "kernels/pgd_step/pgd_step.h"
#include "tests/fixtures/devices.h"
#include "tests/fixtures/toy_net.h"

using namespace temper;
using test::ToyBatch;
using test::ToyNet;
using test::values_of;

namespace {

Pgd pgd(PgdOptions options) { return Pgd(options); }
/// The images that an attack finds in an epoch.
Tensor images(const Pgd& attack, Engine& engine, const Batch& batch, const Classifier& classifier, uint32_t epoch = 0) {
  return attack.run({engine, batch, classifier, RngStream(engine.seed(), epoch)}).images;
}
/// A few differing members of the family.
std::vector<Pgd> family() {
  return {pgd({}),
          pgd({.start = Pgd::Start::none}),
          pgd({.start = Pgd::Start::uniform_unclipped}),
          pgd({.start = Pgd::Start::gauss001}),
          pgd({.start = Pgd::Start::gauss001_clipped}),
          pgd({.restarts = 3}),
          pgd({.steps = 4, .returns = Pgd::Return::best_loss}),
          pgd({.steps = 4, .restarts = 2, .returns = Pgd::Return::any_success}),
          pgd({.steps = 4, .restarts = 2, .restart_rule = Pgd::RestartRule::any_success}),
          pgd({.loss = Pgd::Loss::margin}),
          pgd({.step = 0, .start = Pgd::Start::none, .momentum = 1}),
          pgd({.norm = Norm::l2, .radius = 0.5, .step = 0.1}),
          pgd({.norm = Norm::l2, .radius = 0.5, .step = 0.1, .start = Pgd::Start::none}),
          pgd({.norm = Norm::l2, .radius = 0.5, .step = 0.1, .l2_order = Pgd::L2Order::box_first})};
}

std::vector<double> losses(Engine& engine, const ToyNet& net, const Tensor& x, const Tensor& labels) {
  Tape tape(engine, Wrt::nothing);
  return test::numbers_of(engine, cross_entropy(tape, net(tape, {x}, false), labels, Reduction::none).value);
}

/// f32 by the plainest convolutions a device has.
EngineOptions plain(Device device, uint64_t seed = 0) {
  return {.device = device, .arena_mb = 64, .seed = seed, .reference_conv = device == Device::cpu};
}

}  // namespace

TEST_CASE("one L-infinity step by hand: ball first, then box", "[attacks]") {
  std::vector<double> x = {0.5, 0.5, 0.5, 0.95, 0.02, 0.75, 0.5};
  const std::vector<double> grad = {3, -1e-20, 0, 1, -1, 1, NAN}, clean = {0.5, 0.5, 0.5, 0.95, 0.02, 0.5, 0.5};
  pgd_step_linf<double>({}, 7, x.data(), grad.data(), clean.data(), {.radius = 0.25, .step = 0.125});
  CHECK(x == std::vector<double>{0.625, 0.375, 0.5, 1, 0, 0.75, 0.5});
}

TEST_CASE("one L2 step by hand: scaled to the radius, then box", "[attacks]") {
  std::vector<double> x = {0.5, 0.5, 0.9, 0.5};
  const std::vector<double> grad = {3, 4, 1, 0}, clean = {0.5, 0.5, 0.9, 0.5};
  pgd_step_l2<double>({}, 2, 2, x.data(), grad.data(), clean.data(), {.radius = 0.25, .step = 0.5});
  CHECK(x[0] == Approx(0.65).epsilon(1e-9));  // a step of 0.5 shrunk to 0.25
  CHECK(x[1] == Approx(0.7).epsilon(1e-9));
  CHECK(x[2] == 1);
  CHECK(x[3] == 0.5);
}

TEST_CASE("TRADES' L2 step by hand: box first, then scaled to the radius", "[attacks]") {
  std::vector<double> x = {0.5, 0.5, 0.9, 0.5, 0.5, 0.5};
  const std::vector<double> grad = {3, 4, 3, 4, 0, 0}, clean = x;
  const std::vector<int32_t> ids = {0, 1, 7};
  const RngKey key{.seed = 1, .stream_id = RngStreamId::method};
  pgd_step_l2_box_first<double>({}, 3, 2, x.data(), grad.data(), clean.data(), ids.data(), key,
                                {.radius = 0.25, .step = 0.5});
  CHECK(x[0] == Approx(0.65).epsilon(1e-9));
  CHECK(x[1] == Approx(0.7).epsilon(1e-9));
  CHECK(x[2] == Approx(0.9606339062590833).epsilon(1e-12));  // ball first would give (1, 0.7)
  CHECK(x[3] == Approx(0.742535625036333).epsilon(1e-12));
  CHECK(std::hypot(x[4] - 0.5, x[5] - 0.5) == Approx(0.25));  // no gradient: noise
}

TEST_CASE("momentum is scaled by the mean and survives a zero gradient", "[attacks]") {
  std::vector<double> m = {1, 1, 2, 3};
  const std::vector<double> grad = {3, -1, 0, 0};
  accumulate_momentum<double>({}, 2, 2, m.data(), grad.data(), 0.5);
  CHECK(m == std::vector<double>{2, 0, 2, 3});
}

TEMPER_DEVICE_TEST("an attack stays in ball and box and leaves its input alone", "[attacks]") {
  Engine engine(plain(device));
  const ToyNet net(engine);
  const ToyBatch toy(engine, 6);
  const std::vector<float> clean = values_of<float>(engine, toy.batch.images);
  for (const Pgd& attack : family()) {
    INFO(attack.describe());
    const Arena::Scope scope(engine.arena());
    const std::vector<float> x = values_of<float>(engine, images(attack, engine, toy.batch, net.classifier()));
    CHECK(values_of<float>(engine, toy.batch.images) == clean);
    double outside_box = 0, outside_ball = 0, moved = 0;
    for (size_t i = 0; i < 6; ++i) {
      double l2 = 0, linf = 0;
      for (size_t k = i * x.size() / 6; k < (i + 1) * x.size() / 6; ++k) {
        const double d = double{x[k]} - clean[k];
        outside_box = std::max({outside_box, -double{x[k]}, x[k] - 1.0});
        linf = std::max(linf, std::abs(d));
        l2 += d * d;
      }
      const double distance = attack.norm == Norm::linf ? linf : std::sqrt(l2);
      outside_ball = std::max(outside_ball, distance - attack.radius);
      moved = std::max(moved, distance);
    }
    CHECK(outside_box <= 0);
    CHECK(outside_ball < 1e-6);
    CHECK(moved > attack.radius / 2);
  }
}

TEMPER_DEVICE_TEST("no steps give the start; no start and no steps the images", "[attacks]") {
  Engine engine(plain(device));
  const ToyNet net(engine);
  const ToyBatch toy(engine, 4);
  const auto run = [&](PgdOptions o) {
    o.steps = 0;
    return values_of<float>(engine, images(pgd(o), engine, toy.batch, net.classifier(), 7));
  };
  const std::vector<float> clean = values_of<float>(engine, toy.batch.images);
  CHECK(run({.start = Pgd::Start::none}) == clean);
  CHECK(run({.start = Pgd::Start::none, .returns = Pgd::Return::best_loss}) == clean);
  const std::vector<float> unclipped = run({.start = Pgd::Start::uniform_unclipped}), clipped = run({});
  const RngKey key{.seed = engine.seed(), .stream_id = RngStreamId::attack, .step = 7};
  const int64_t size = toy.batch.images.numel() / 4;
  for (int64_t i = 0; i < toy.batch.images.numel(); ++i) {
    const float u = random_uniform(key, static_cast<uint32_t>(i / size), static_cast<uint32_t>(i % size));
    const float want = clean[i] + static_cast<float>(8.0 / 255) * (2 * u - 1);
    if (device == Device::cpu)
      REQUIRE(unclipped[i] == want);
    else  // a GPU multiplies and adds in one rounding
      REQUIRE(std::abs(unclipped[i] - want) < 1e-7f);
    REQUIRE(clipped[i] == std::clamp(unclipped[i], 0.f, 1.f));
  }
}

TEMPER_DEVICE_TEST("pixels of zero gradient do not move", "[attacks]") {
  Engine engine(plain(device));
  const ToyNet net(engine);
  const ToyBatch toy(engine, 3);
  for (const Pgd& attack : {pgd({.start = Pgd::Start::none}), pgd({.norm = Norm::l2, .start = Pgd::Start::none}),
                            pgd({.start = Pgd::Start::none, .momentum = 1})}) {
    const Objective zero = [](Tape& t, const AttackView& at) {
      return kl_divergence(t, at.logits, stop_gradient(at.logits), Reduction::none);  // at its own target
    };
    const Tensor x = attack.run({engine, toy.batch, net.classifier(), RngStream(engine.seed())}, zero).images;
    CHECK(values_of<float>(engine, x) == values_of<float>(engine, toy.batch.images));
  }
}

TEMPER_DEVICE_TEST("an attack repeated has the same bits", "[attacks]") {
  Engine engine({.device = device, .arena_mb = 64});
  const ToyNet net(engine);
  const ToyBatch toy(engine, 7);
  for (const Pgd& attack : family()) {
    INFO(attack.describe());
    const Arena::Scope scope(engine.arena());
    const auto run = [&] {
      return values_of<float>(engine, images(attack, engine, toy.batch, net.classifier(true), 3));
    };
    CHECK(run() == run());
  }
}

TEMPER_DEVICE_TEST("attacks find what they find on the CPU in f64", "[attacks]") {
  Engine engine({.device = device, .arena_mb = 64}),
      exact({.compute = DType::f64, .arena_mb = 64, .reference_conv = true});
  const ToyNet net(engine), exact_net(exact);
  const ToyBatch toy(engine, 6), exact_toy(exact, 6);
  for (const Pgd& attack : family()) {
    INFO(attack.describe());
    const Arena::Scope scope(engine.arena()), exact_scope(exact.arena());
    const auto got = test::numbers_of(engine, images(attack, engine, toy.batch, net.classifier(true), 3));
    const auto want = test::numbers_of(exact, images(attack, exact, exact_toy.batch, exact_net.classifier(true), 3));
    int64_t same = 0;
    for (size_t i = 0; i < want.size(); ++i) same += std::abs(got[i] - want[i]) < 1e-5;
    CHECK(same > 0.98 * static_cast<double>(want.size()));
  }
}

TEST_CASE("an image's attack does not depend on its batch or on threads", "[attacks]") {
  for (const bool batch_norm : {false, true})
    for (const auto& [dtype, reference] : {std::pair{DType::f32, false}, {DType::f32, true}, {DType::f64, true}}) {
      EngineOptions options{.threads = 1, .compute = dtype, .arena_mb = 64, .reference_conv = reference};
      Engine engine(options);
      options.threads = 3;
      Engine three(options);
      const ToyNet net(engine), net_of_three(three);
      const ToyBatch all_of_three(three, 7);
      const auto on_three_threads = [&](const Pgd& attack) {
        const Arena::Scope scope(three.arena());
        return test::numbers_of(three,
                                images(attack, three, all_of_three.batch, net_of_three.classifier(batch_norm), 3));
      };
      const ToyBatch all(engine, 7), head(engine, 2), tail(engine, 5, 2);
      for (const Pgd& attack : family()) {
        INFO(attack.describe() << " in " << dtype);
        const Arena::Scope scope(engine.arena());
        const auto run = [&](const ToyBatch& toy) {
          return test::numbers_of(engine, images(attack, engine, toy.batch, net.classifier(batch_norm), 3));
        };
        const std::vector<double> whole = run(all), again = run(all);
        std::vector<double> parts = run(head);
        const std::vector<double> rest = run(tail);
        parts.insert(parts.end(), rest.begin(), rest.end());
        CHECK((whole == again));
        CHECK((whole == parts));
        CHECK((whole == on_three_threads(attack)));
      }
    }
}

TEMPER_DEVICE_TEST("starts differ by draw, restart, seed and sample, and are spread as they should be", "[attacks]") {
  Engine engine(plain(device)), other(plain(device, 1));
  const ToyNet net(engine);
  const int64_t n = 64;
  const ToyBatch toy(engine, n);
  const std::vector<float> clean = values_of<float>(engine, toy.batch.images);
  const auto noise = [&](PgdOptions o, Engine& e, uint32_t draw) {
    o.steps = 0;
    std::vector<float> x = values_of<float>(e, images(pgd(o), e, toy.batch, net.classifier(), draw));
    for (size_t i = 0; i < x.size(); ++i) x[i] -= clean[i];
    return x;
  };
  const PgdOptions uniform{.start = Pgd::Start::uniform_unclipped}, gauss{.start = Pgd::Start::gauss001};
  const std::vector<float> u = noise(uniform, engine, 0);
  CHECK(u != noise(uniform, engine, 1));
  CHECK(u != noise(uniform, other, 0));
  const size_t size = u.size() / n;
  CHECK(std::vector<float>(u.begin(), u.begin() + size) != std::vector<float>(u.begin() + size, u.begin() + 2 * size));

  const auto moments = [](const std::vector<float>& v, size_t from, size_t to) {
    double m = 0, s = 0;
    for (size_t i = from; i < to; ++i) m += v[i] / (to - from), s += double{v[i]} * v[i] / (to - from);
    return std::pair{m, std::sqrt(s - m * m)};
  };
  const double radius = uniform.radius;
  CHECK(*std::max_element(u.begin(), u.end()) == Approx(radius).epsilon(1e-3));
  CHECK(*std::min_element(u.begin(), u.end()) == Approx(-radius).epsilon(1e-3));
  CHECK(moments(u, 0, u.size()).second == Approx(radius / std::sqrt(3.0)).epsilon(0.02));
  const std::vector<float> g = noise(gauss, engine, 0);
  CHECK(moments(g, 0, g.size()).second == Approx(0.001).epsilon(0.02));
  const std::vector<float> clipped = noise({.start = Pgd::Start::gauss001_clipped}, engine, 0);
  for (size_t i = 0; i < g.size(); ++i)
    if (std::clamp(clean[i] + g[i], 0.f, 1.f) != clean[i] + clipped[i]) FAIL_CHECK("element " << i);
  // Unbiased for every sample: within five standard errors.
  for (int64_t i = 0; i < n; ++i) {
    CHECK(std::abs(moments(u, i * size, (i + 1) * size).first) < 5 * radius / std::sqrt(3.0 * size));
    CHECK(std::abs(moments(g, i * size, (i + 1) * size).first) < 5 * 0.001 / std::sqrt(1.0 * size));
  }

  const std::vector<float> l2 =
      noise({.norm = Norm::l2, .radius = 0.5, .start = Pgd::Start::uniform_unclipped}, engine, 0);
  double mean = 0, longest = 0;
  for (int64_t i = 0; i < n; ++i) {
    double s = 0;
    for (size_t k = i * size; k < (i + 1) * size; ++k) s += double{l2[k]} * l2[k];
    mean += std::sqrt(s) / n, longest = std::max(longest, std::sqrt(s));
  }
  CHECK(mean == Approx(0.25).margin(0.08));
  CHECK(longest <= 0.5 + 1e-6);
}

TEMPER_DEVICE_TEST("more restarts never lower the best loss, and success is never lost", "[attacks]") {
  Engine engine(plain(device));
  const ToyNet net(engine);
  const ToyBatch toy(engine, 12);
  const auto attacked = [&](PgdOptions o) {
    o.steps = 4, o.radius = 0.3, o.step = 0.25;  // steps too long to climb steadily
    return images(pgd(o), engine, toy.batch, net.classifier());
  };
  for (const Pgd::Return returns : {Pgd::Return::last, Pgd::Return::best_loss}) {
    std::vector<double> before(12, -1);
    for (const int restarts : {1, 2, 4, 8}) {
      const std::vector<double> now =
          losses(engine, net, attacked({.restarts = restarts, .returns = returns}), toy.batch.labels);
      for (int i = 0; i < 12; ++i) CHECK(now[i] >= before[i]);
      CHECK(now != before);
      before = now;
    }
  }
  const auto fooled = [&](const PgdOptions& o) {
    const Tensor x = attacked(o);
    Tape tape(engine, Wrt::nothing);
    const std::vector<int32_t> p = predictions(engine, net(tape, {x}, false).value);
    std::vector<bool> out(12);
    for (int i = 0; i < 12; ++i) out[i] = p[i] != i % ToyNet::kClasses;
    return out;
  };
  const std::vector<bool> last = fooled({});
  for (const PgdOptions& o :
       {PgdOptions{.returns = Pgd::Return::any_success}, PgdOptions{.restarts = 4, .returns = Pgd::Return::any_success},
        PgdOptions{.restarts = 4, .restart_rule = Pgd::RestartRule::any_success}}) {
    const std::vector<bool> any = fooled(o);
    for (int i = 0; i < 12; ++i) CHECK(any[i] >= last[i]);
  }
  const std::vector<double> best = losses(engine, net, attacked({.returns = Pgd::Return::best_loss}), toy.batch.labels),
                            final = losses(engine, net, attacked({}), toy.batch.labels);
  for (int i = 0; i < 12; ++i) CHECK(best[i] >= final[i]);
  CHECK(best != final);
}

TEST_CASE("attack errors say what is wrong", "[attacks][errors]") {
  Engine engine(plain(Device::cpu));
  const ToyNet net(engine);
  const ToyBatch toy(engine, 4), more(engine, 5);
  Batch batch = toy.batch;
  const auto run = [&](const PgdOptions& o) { return images(pgd(o), engine, batch, net.classifier()); };
  CHECK_THROWS_WITH(run({.restarts = 0}), "pgd: restarts: expected 1 to 1000000, got 0");
  CHECK_THROWS_WITH(run({.steps = -1}), "pgd: steps: expected 0 to 1000000, got -1");
  CHECK_THROWS_WITH(run({.step = -0.5}), "pgd: step: expected 0 or more, got -0.5");
  CHECK_THROWS_WITH(run({.radius = -0.5}), "pgd: radius: expected 0 or more, got -0.5");
  CHECK_THROWS_WITH(run({.radius = 8}),
                    "pgd: radius: expected at most 1 because pixels are in [0, 1], got 8; write 8/255");
  const Objective mean = [&](Tape& t, const AttackView& at) { return cross_entropy(t, at.logits, batch.labels); };
  CHECK_THROWS_WITH(pgd({}).run({engine, batch, net.classifier(), RngStream(engine.seed())}, mean),
                    "pgd: the objective must give one value per sample (4) so that samples do not affect each other, "
                    "got (1); use Reduction::none");
  batch.ids = more.batch.ids;
  CHECK_THROWS_WITH(run({}), "pgd: images are (4, 8, 8, 3) so ids must be (4) i32, got (5) i32");
  batch.ids = toy.batch.ids;
  batch.labels = more.batch.labels;
  CHECK_THROWS_WITH(run({}), "pgd: images are (4, 8, 8, 3) so labels must be (4) i32, got (5) i32");
  batch.images = batch.labels;
  CHECK_THROWS_WITH(run({}), "pgd: expected images (N, ...), got (5)");
}
