// What an attack loop may cost: nothing is built, prepared or allocated again after its first iteration.
#include "attacks/pgd.h"
#include "tests/fixtures/devices.h"
#include "tests/fixtures/networks.h"
#include "tests/fixtures/tensors.h"

using namespace temper;

TEMPER_DEVICE_TEST("an attack builds, prepares and allocates nothing after its first iteration", "[attacks]") {
  Engine engine({.device = device, .arena_mb = 128});
  const DataShape data{.height = 16, .width = 16};
  const auto one = test::network(engine, "{name: small_resnet, widths: [8, 16]}", {.data = data});
  const auto two = test::network(engine, "{name: small_resnet, widths: [8, 16]}", {.data = data, .seed = 1});
  const Arena::Scope scope(engine.arena());
  std::vector<double> images(3 * 16 * 16 * 3);
  for (size_t i = 0; i < images.size(); ++i) images[i] = static_cast<double>(i % 7) / 7;
  const Batch batch{.images = test::tensor_of(engine, {3, 16, 16, 3}, images),
                    .labels = test::labels_of(engine, {0, 1, 2}),
                    .ids = test::labels_of(engine, {0, 1, 2})};
  const auto attack = [&](int steps) {
    const Arena::Scope results(engine.arena());
    Pgd pgd;
    pgd.steps = steps;
    for (const Network* net : {one.get(), two.get()})
      pgd.run({engine, batch, Classifier(*net, Pass::eval()).at_a_time(batch.size()), RngStream(engine.seed())});
  };
  attack(1);
  const ConvStats stats = engine.conv().stats();
  const size_t peak = engine.arena().peak();
  attack(10);
  CHECK(engine.conv().stats() == stats);
  CHECK(engine.arena().peak() == peak);
}
