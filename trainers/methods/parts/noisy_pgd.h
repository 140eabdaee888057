#pragma once
#include "attacks/pgd.h"

namespace temper {

/// PGD as AR-AT's code has it, with `noise_alias` for what happens in that code by sharing memory: the random start is
/// added to the batch itself. Then everything that is computed from the batch sees x + U(-radius, radius), not clipped,
/// and the ball is centred there. Without it, plain PGD.
struct NoisyPgd {
  Pgd pgd;
  bool noise_alias = false;

  NoisyPgd() { pgd.start = Pgd::Start::uniform_unclipped; }
  void fields(Fields& f);
  /// The batch that clean passes and run() are to be given, with the random numbers of run().
  Batch seen(Engine& engine, const Batch& batch, const RngStream& random) const;
  AttackResult run(const AttackCall& call) const;
};

}  // namespace temper
