// Attacks and evaluation by threads that each carry slices of a batch from the first step to the last.
#include "attacks/slices.h"
#include "core/host.h"

#include <mutex>
#include <set>

#include "attacks/attack_observer.h"
#include "attacks/pgd.h"
#include "kernels/runtime/range.h"
#include "tests/fixtures/devices.h"
#include "tests/fixtures/networks.h"
#include "tests/fixtures/toy_net.h"

using namespace temper;
using test::ToyBatch;
using test::ToyNet;
using test::values_of;

namespace {

const Pgd kAttacks[] = {Pgd(), Pgd({.restarts = 3}),
                        Pgd({.steps = 4, .restarts = 2, .returns = Pgd::Return::any_success}),
                        Pgd({.step = 0, .start = Pgd::Start::none, .momentum = 1}),
                        Pgd({.norm = Norm::l2, .radius = 0.5, .step = 0.1, .l2_order = Pgd::L2Order::box_first})};

/// An attack on the toy network, and the batch, on one engine.
struct World {
  Engine engine;
  ToyNet net{engine};
  ToyBatch toy;

  explicit World(const EngineOptions& options, int64_t samples = 7) : engine(options), toy(engine, samples) {}
  Tensor whole(const Pgd& attack) { return in_slices(attack, toy.batch.size()); }
  Tensor in_slices(const Pgd& attack, int64_t rows) {
    const Classifier classifier = net.classifier(true);
    return attack.run({engine, toy.batch, classifier.at_a_time(rows), RngStream(engine.seed(), 3)}).images;
  }
};

/// The same with a network whose activations are of the engine's type.
struct Narrow {
  Engine engine;
  std::unique_ptr<Network> network;
  ToyBatch toy;

  explicit Narrow(const EngineOptions& options)
      : engine(options),
        network(test::network(engine, "{name: small_cnn, widths: [16, 32, 8], strides: [1, 2, 2]}",
                              {.data = {ToyNet::kSide, ToyNet::kSide, ToyNet::kChannels, ToyNet::kClasses}})),
        toy(engine, 7) {}
  Tensor in_slices(int64_t rows) {
    const Classifier classifier(*network, Pass::eval());
    return kAttacks[0].run({engine, toy.batch, classifier.at_a_time(rows), RngStream(engine.seed(), 3)}).images;
  }
};

}  // namespace

TEST_CASE("an attack in slices gives the same bits, for any number of threads", "[attacks][slices]") {
  for (const bool reference : {false, true})
    for (const int threads : {1, 2, 3}) {
      World w({.threads = threads, .arena_mb = 64, .reference_conv = reference});
      for (const Pgd& attack : kAttacks) {
        CAPTURE(attack.describe(), reference, threads);
        const Arena::Scope scope(w.engine.arena());
        const std::vector<float> whole = values_of<float>(w.engine, w.whole(attack));
        for (const int64_t rows : {1, 3, 7, 100}) CHECK(values_of<float>(w.engine, w.in_slices(attack, rows)) == whole);
      }
    }
}

TEST_CASE("an attack in slices of bf16 and f16 gives the same bits", "[attacks][slices]") {
  for (const DType compute : {DType::bf16, DType::f16}) {
    Narrow w({.threads = 3, .compute = compute, .arena_mb = 64});
    if (!w.engine.conv().supports(compute)) continue;
    const Arena::Scope scope(w.engine.arena());
    const std::vector<float> whole = values_of<float>(w.engine, w.in_slices(7));
    CHECK(values_of<float>(w.engine, w.in_slices(2)) == whole);
  }
}

TEST_CASE("an overflow in a slice reaches the engine", "[slices]") {
  // So large a scale that gradients leave the range of f16.
  Narrow w({.threads = 2, .compute = DType::f16, .loss_scale = 1 << 30, .arena_mb = 64});
  if (!w.engine.conv().supports(DType::f16)) return;
  const Arena::Scope scope(w.engine.arena());
  w.in_slices(2);
  CHECK(host_indices(w.engine, w.engine.attack_tally())[2] > 0);
}

TEST_CASE("slices make up the batch, and each has a worker's engine", "[slices]") {
  World w({.threads = 2});
  std::mutex mutex;
  std::multiset<int64_t> firsts;
  std::set<Engine*> engines;
  each_slice(w.engine, 7, 3, [&](Engine& on, const BatchRows& slice) {
    const std::lock_guard lock(mutex);
    firsts.insert(slice.first());
    engines.insert(&on);
    CHECK(threads_of(on.stream().team) == 1);
    CHECK(slice(w.toy.batch).size() == std::min<int64_t>(3, 7 - slice.first()));
  });
  CHECK(firsts == std::multiset<int64_t>{0, 3, 6});
  CHECK(engines.count(&w.engine) == 0);
}

TEST_CASE("what a slice throws is thrown by the attack", "[slices][errors]") {
  World w({.threads = 3});
  const size_t used = w.engine.arena().used();
  CHECK_THROWS_WITH(each_slice(w.engine, 7, 1,
                               [&](Engine&, const BatchRows& slice) { fail("slice ", slice.first(), " is unlucky"); }),
                    ContainsSubstring("is unlucky"));
  CHECK(w.engine.arena().used() == used);
  const Arena::Scope scope(w.engine.arena());
  CHECK(values_of<float>(w.engine, w.in_slices(kAttacks[0], 2)) == values_of<float>(w.engine, w.whole(kAttacks[0])));
}

TEST_CASE("an observer is shown what slices found, as one", "[slices]") {
  struct Keep : AttackObserver {
    std::vector<std::vector<float>> found;
    void on_found(Engine& engine, const Tensor& images) override { found.push_back(values_of<float>(engine, images)); }
  } keep;
  World w({.threads = 2, .attacks = &keep});
  const Arena::Scope scope(w.engine.arena());
  const Tensor found = w.in_slices(kAttacks[0], 2);
  REQUIRE(keep.found.size() == 1);
  CHECK(keep.found[0] == values_of<float>(w.engine, found));
}

TEST_CASE("a log of ranges has what the threads did, in about the time it took", "[slices][ranges]") {
  RangeLog log;
  World w({.threads = 2, .ranges = &log});
  const Arena::Scope scope(w.engine.arena());
  w.in_slices(kAttacks[0], 2);
  int64_t steps = 0;
  double attack = 0, inside = 0;
  for (const RangeLog::Node& n : log.nodes()) {
    if (n.name == "attack") attack += n.seconds;
    if (n.name == "attack") CHECK(n.parent == 0);
    if (n.name == "pgd_step_linf") {
      steps += n.count;
      inside += n.seconds;
    }
  }
  CHECK(steps == 4 * 10);
  CHECK(inside > 0);
  CHECK(inside < attack);
}

TEST_CASE("how many samples are attacked at a time", "[attacks][slices]") {
  const auto rows = [](int64_t samples, int threads, size_t bytes, size_t filters = 0) {
    return samples_at_a_time({.samples = samples, .threads = threads, .sample_bytes = bytes, .filter_bytes = filters});
  };
  CHECK(rows(64, 2, 320'000) == 4);
  CHECK(rows(64, 2, 10'000'000) == 4);
  CHECK(rows(64, 2, 130'000) == 8);  // not 10, 10, 10, 10, 10, 10 and 4
  CHECK(rows(50, 2, 130'000) == 9);
  CHECK(rows(3, 2, 130'000) == 2);
  CHECK(rows(1, 2, 130'000) == 1);
  CHECK(rows(64, 2, 0) == 32);
  CHECK(rows(64, 1, 0) == 64);
  CHECK(rows(128, 2, 2'400'000, 45'000'000) == 64);  // a large network: as many as there are for each thread
  CHECK(rows(64, 2, 2'400'000, 45'000'000) == 64);   // too few for its filters: all together
  CHECK(rows(128, 16, 2'400'000, 45'000'000) == 128);
  CHECK(rows(64, 2, 40'000, 700'000) == 32);
  CHECK(rows(64, 2, 1'500'000, 1'000'000) == 4);
}
