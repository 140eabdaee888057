#pragma once
#include "apps/subcommand.h"

namespace temper {

/// One word behind `temper audit`. Lives in a file of its own and registers itself under that word.
struct AuditSubject : Subcommand {};

}  // namespace temper
