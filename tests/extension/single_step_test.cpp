#include <cmath>

#include "attacks/pgd.h"
#include "tests/fixtures/devices.h"
#include "tests/fixtures/toy_net.h"

using namespace temper;

TEMPER_DEVICE_TEST("single_step: one step of PGD from the image, radius and step alike", "[extension]") {
  Engine engine({.device = device, .arena_mb = 64});
  const test::ToyNet net(engine);
  const test::ToyBatch toy(engine, 5);
  const auto attack = Registry<Attack>::instance().make("single_step");
  CHECK(attack->describe() == "single step: radius 0.031373");
  const PgdOptions fgsm{.radius = 8.0 / 255, .step = 8.0 / 255, .steps = 1, .start = Pgd::Start::none};
  const auto images = [&](const Attack& a) {
    return test::numbers_of(engine, a.run({engine, toy.batch, net.classifier(), RngStream(engine.seed())}).images);
  };
  const auto clean = test::numbers_of(engine, toy.batch.images);
  CHECK(images(*attack) == images(Pgd(fgsm)));
  CHECK(images(*attack) != clean);
}
