#pragma once
#include <memory>

#include "apps/arguments.h"
#include "apps/cli.h"
#include "core/registry.h"

namespace temper {

/// An error of the command line; the command ends with kExitUsage.
struct UsageError : Error {
  using Error::Error;
};

/// A subcommand of `temper`. Each is in its own file and registers itself under its name.
class Subcommand {
 public:
  virtual ~Subcommand() = default;
  /// Declares arguments and options; their variables are members of this object.
  virtual void declare(Arguments& app) = 0;
  /// Runs after parsing; returns the exit code.
  virtual int run(Session& session) = 0;
};

}  // namespace temper
