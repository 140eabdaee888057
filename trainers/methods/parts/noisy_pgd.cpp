#include "trainers/methods/parts/noisy_pgd.h"

namespace temper {

void NoisyPgd::fields(Fields& f) {
  f.section("attack", pgd);
  f("noise_alias", noise_alias,
    "as in the official code, the attack's random start overwrites the batch: clean images are noisy, and the ball "
    "is centred on them");
}

Batch NoisyPgd::seen(Engine& engine, const Batch& batch, const RngStream& random) const {
  if (!noise_alias) return batch;
  Batch noisy = batch;
  noisy.images = engine.arena().tensor(batch.images.shape, batch.images.dtype);
  pgd.start_at(engine, batch, random, noisy.images);
  return noisy;
}

AttackResult NoisyPgd::run(const AttackCall& call) const {
  if (!noise_alias) return pgd.run(call);
  Pgd from_there = pgd;
  from_there.start = Pgd::Start::none;
  return from_there.run(call);
}

}  // namespace temper
