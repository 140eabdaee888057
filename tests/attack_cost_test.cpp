// What an attack loop may cost: nothing is built, prepared or allocated again after its first iteration.
#include "attacks/pgd.h"
#include "tests/catch.h"
#include "tests/networks.h"

using namespace temper;

TEST_CASE("an attack builds, prepares and allocates nothing after its first iteration", "[conv]") {
  Engine engine({.arena_mb = 128});
  const DataShape data{.height = 16, .width = 16};
  const auto one = test::network(engine, "{name: small_resnet}", {.data = data});
  const auto two = test::network(engine, "{name: small_resnet}", {.data = data, .seed = 1});
  const Arena::Scope scope(engine.arena());
  Batch batch{.images = engine.arena().tensor({3, 16, 16, 3}, DType::f32),
              .labels = engine.arena().tensor({3}, DType::i32),
              .ids = engine.arena().tensor({3}, DType::i32)};
  for (int64_t i = 0; i < batch.images.numel(); ++i) batch.images.as<float>()[i] = static_cast<float>(i % 7) / 7;
  for (int i = 0; i < 3; ++i) batch.labels.as<int32_t>()[i] = batch.ids.as<int32_t>()[i] = i;
  const auto attack = [&](int steps) {
    const Arena::Scope results(engine.arena());
    Pgd pgd;
    pgd.steps = steps;
    for (const Network* net : {one.get(), two.get()})
      pgd.run(
          engine, batch, [&](Tape& t, const Var& x) { return (*net)(t, x, Pass::eval()); }, 0);
  };
  attack(1);
  const ConvStats stats = engine.conv().stats();
  const size_t peak = engine.arena().peak();
  attack(10);
  CHECK(engine.conv().stats() == stats);
  CHECK(engine.arena().peak() == peak);
}
