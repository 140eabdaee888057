#pragma once
#include "apps/cli.h"
#include "workflows/records/evaluation.h"

namespace temper {

/// The table that ends `temper train` and `temper eval`.
void print_results(Session& session, const Evaluation& results);

}  // namespace temper
