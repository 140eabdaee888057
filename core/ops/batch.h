#pragma once
#include "core/tape.h"

namespace TEMPER_API temper {

/// Samples [first, first + count) of a batch of any shape and type; no copy of the value.
Var rows(Tape& tape, const Var& x, int64_t first, int64_t count);
/// The samples of a, then those of b, of any shape and type: two batches that go through a network in one pass
/// (Pass::rest gives each its own BatchNorm).
Var concat(Tape& tape, const Var& a, const Var& b);

}  // namespace temper
