#pragma once
#include <iosfwd>
#include <string>
#include <vector>

#include "apps/terminal.h"

namespace temper {

/// What the temper command ends with; a run that was interrupted ends with kExitInterrupted (trainers/loop/loop.h).
inline constexpr int kExitOk = 0, kExitError = 1, kExitUsage = 2;

/// Where a command writes. Without a terminal: plain lines.
struct Session {
  std::ostream& out;
  std::ostream& err;
  Terminal terminal;
  std::string program = "temper";  ///< how the command was called, for the commands that it prints
  std::vector<std::string> args;   ///< what it was given; set by run_cli
};

/// The command that is running, as a shell takes it, with `option` if it is not among its arguments.
std::string this_command(const Session& session, const std::string& option = "");

/// The temper command. `args` are those after the program's name. Never throws: an error becomes one line,
/// "temper: error: ...", on `err` and an exit code other than 0.
int run_cli(const std::vector<std::string>& args, Session session);

}  // namespace temper
