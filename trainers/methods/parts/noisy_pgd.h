#pragma once
#include "attacks/pgd.h"

namespace TEMPER_API temper {

/// PGD as in the official code of AR-AT. There the random start is added to the batch in place, because both share
/// their memory. `noise_alias` reproduces this: everything computed from the batch sees x + U(-radius, radius), not
/// clipped, and the ball is centred there. Without `noise_alias` it is plain PGD.
struct NoisyPgd {
  Pgd pgd;
  bool noise_alias = false;

  NoisyPgd() { pgd.start = Pgd::Start::uniform_unclipped; }
  void fields(Fields& f);
  /// The batch to give to clean passes and to run(); `random` must be that of run().
  Batch seen(Engine& engine, const Batch& batch, const RngStream& random) const;
  AttackResult run(const AttackCall& call) const;
};

}  // namespace temper
