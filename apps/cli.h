#pragma once
#include <iosfwd>
#include <string>
#include <vector>

#include "apps/terminal.h"

namespace temper {

/// Exit codes of the temper command; an interrupted run ends with kExitInterrupted (trainers/loop/loop.h).
inline constexpr int kExitOk = 0, kExitError = 1, kExitUsage = 2;

/// Output and context of a command. Without a terminal it writes plain lines.
struct Session {
  std::ostream& out;
  std::ostream& err;
  Terminal terminal;
  std::string program = "temper";  ///< name of the command, for commands that it prints
  std::vector<std::string> args;   ///< its arguments; set by run_cli
};

/// The running command, quoted for a shell, with `option` appended if it is not among its arguments.
std::string this_command(const Session& session, const std::string& option = "");

/// The temper command. `args` are the arguments without the program's name. Returns the exit code. Never throws: an
/// error is printed to `err` as one line, "temper: error: ...".
int run_cli(const std::vector<std::string>& args, Session session);

}  // namespace temper
