#include "trainers/noisy_pgd.h"

#include "attacks/climb.h"

namespace temper {

void NoisyPgd::fields(Fields& f) {
  f.section("attack", pgd);
  f("noise_alias", noise_alias,
    "as in the official code, the attack's random start overwrites the batch: clean images are noisy, the ball is centred "
    "on them");
}

Batch NoisyPgd::seen(Engine& engine, const Batch& batch, Draw draw) const {
  if (!noise_alias) return batch;
  Batch noisy = batch;
  noisy.images = engine.arena().tensor(batch.images.shape, batch.images.dtype);
  Climb(engine, pgd, pgd.step_size(), batch, draw).start(noisy.images, 0);
  return noisy;
}

Tensor NoisyPgd::run(Engine& engine, const Batch& seen, const Classifier& classifier, Draw draw) const {
  if (!noise_alias) return pgd.run(engine, seen, classifier, draw);
  Pgd from_there = pgd;
  from_there.start = Pgd::Start::none;
  return from_there.run(engine, seen, classifier, draw);
}

}  // namespace temper
