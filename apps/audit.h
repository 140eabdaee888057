#pragma once
#include "apps/subcommand.h"

namespace temper {

/// A subcommand of `temper audit`. Each is in its own file and registers itself under its name.
struct AuditSubject : Subcommand {};

}  // namespace temper
