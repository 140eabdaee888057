#pragma once
#include "apps/cli.h"
#include "workflows/records/evaluation.h"

namespace temper {

/// Prints the table at the end of `temper train` and `temper eval`.
void print_results(Session& session, const Evaluation& results);

}  // namespace temper
