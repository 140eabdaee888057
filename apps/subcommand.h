#pragma once
#include <memory>

#include "apps/arguments.h"
#include "apps/cli.h"
#include "core/registry.h"

namespace temper {

/// The command line asks for something that makes no sense: ends with kExitUsage.
struct UsageError : Error {
  using Error::Error;
};

/// One word behind `temper`. Lives in a file of its own and registers itself under that word.
class Subcommand {
 public:
  virtual ~Subcommand() = default;
  /// Adds arguments and options. What they are read into belongs to this object.
  virtual void declare(Arguments& app) = 0;
  /// Runs after parsing; returns the exit code.
  virtual int run(Session& session) = 0;
};

}  // namespace temper
