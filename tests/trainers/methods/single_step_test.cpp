// The attack of single-step training, by hand and against PGD.
#include <algorithm>
#include <cmath>

#include "tests/fixtures/devices.h"
#include "tests/fixtures/loop_fixture.h"
#include "tests/fixtures/toy_net.h"
#include "trainers/methods/parts/random_fgsm.h"

using namespace temper;
using test::numbers_of;

namespace {

using Start = RandomFgsmOptions::Start;
using Project = RandomFgsmOptions::Project;
constexpr double kEight = 8.0 / 255;

struct Toy {
  Engine engine;
  test::ToyNet net{engine};
  test::ToyBatch toy{engine, 5};
  explicit Toy(Device device) : engine({.device = device, .arena_mb = 64}) {}
  std::vector<double> images(const Attack& attack) {
    return numbers_of(engine, attack.run({engine, toy.batch, net.classifier(), RngStream(engine.seed())}).images);
  }
  /// The largest distance of a pixel from the clean image.
  double distance(const std::vector<double>& images) {
    const std::vector<double> clean = numbers_of(engine, toy.batch.images);
    double most = 0;
    for (size_t i = 0; i < clean.size(); ++i) most = std::max(most, std::abs(images[i] - clean[i]));
    return most;
  }
};

}  // namespace

TEMPER_DEVICE_TEST("random_fgsm: projected, it is one step of PGD, without noise FGSM", "[trainers]") {
  Toy t(device);
  const double step = 10.0 / 255;
  const auto pgd = [&](Pgd::Start start) {
    return t.images(Pgd({.radius = kEight, .step = step, .steps = 1, .start = start}));
  };
  CHECK(t.images(RandomFgsm({.radius = kEight, .step = step})) == pgd(Pgd::Start::uniform));
  CHECK(t.images(RandomFgsm({.radius = kEight, .step = step, .start = Start::unclipped})) ==
        pgd(Pgd::Start::uniform_unclipped));
  CHECK(t.images(RandomFgsm({.radius = kEight, .step = step, .noise = 0})) == pgd(Pgd::Start::none));
}

TEMPER_DEVICE_TEST("random_fgsm: without a projection images leave the ball, up to noise and step", "[trainers]") {
  Toy t(device);
  const RandomFgsmOptions n_fgsm{.radius = kEight, .step = kEight, .noise = 2, .project = Project::none};
  const std::vector<double> images = t.images(RandomFgsm(n_fgsm));
  CHECK(t.distance(images) > 2 * kEight);
  CHECK(t.distance(images) <= 3 * kEight + 1e-6);
  CHECK(std::all_of(images.begin(), images.end(), [](double v) { return v >= 0 && v <= 1; }));
  RandomFgsmOptions projected = n_fgsm;
  projected.project = Project::ball;
  CHECK(t.distance(t.images(RandomFgsm(projected))) == Approx(kEight).margin(1e-6));
}

TEST_CASE("single-step methods: the published settings, and what contradicts itself") {
  const auto attack = [](const std::string& trainer) {
    return test::tiny(trainer).trainer.method->attacks().at(0)->describe();
  };
  CHECK(attack("{name: fgsm_rs}") ==
        "FGSM: radius 0.031373 (8/255), step 0.039216, noise of 1 radii, projected into the ball");
  CHECK(attack("{name: n_fgsm}") ==
        "FGSM: radius 0.031373 (8/255), step 0.031373, noise of 2 radii, not projected into the ball");
  CHECK(attack("{name: grad_align}") ==
        "FGSM: radius 0.031373 (8/255), step 0.031373, noise of 0 radii, projected into the ball");
  CHECK_THROWS_WITH(attack("{name: fgsm_rs, attack: {radius: 2/255}}"),
                    ContainsSubstring("trainer.attack.step: expected at most 0.015686") &&
                        ContainsSubstring("a longer step leaves only the corners of the ball"));
  CHECK_THROWS_WITH(attack("{name: n_fgsm, attack: {radius: 8}}"),
                    ContainsSubstring("trainer.attack.radius: expected 0 to 1, got 8"));
}
