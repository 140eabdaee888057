#include "apps/cli.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <map>
#include <new>
#include <optional>
#include <ostream>

#include "apps/subcommand.h"
#include "core/environment/environment.h"
#include "core/files/json.h"
#include "core/text.h"
#include "trainers/loop/loop.h"

namespace temper {

namespace {

std::string footer() {
  return cat(
      "`temper help COMMAND` and `temper COMMAND --help` list the options of one.\nExit codes: 0 done; 1 error; 2 wrong use of the command line; ",
      kExitInterrupted, " training was interrupted and can be continued with --resume.");
}

// The first argument that no option or command takes, with a suggestion.
std::string unexpected(const CLI::App& app, const std::string& got) {
  std::vector<std::string> known;
  for (const CLI::Option* option : app.get_options())
    for (const std::string& name : option->get_lnames()) known.push_back("--" + name);
  const std::string bare = got.substr(0, got.find('='));
  return cat("unknown ", got[0] == '-' ? "option" : "argument", " '", got, "'",
             got[0] == '-' ? did_you_mean(bare, known) : std::string());
}

// A command with subjects, called without one that it knows.
std::string no_subject(const CLI::App& command) {
  std::vector<std::string> known;
  for (const CLI::App* subject : command.get_subcommands({})) known.push_back(subject->get_name());
  const std::vector<std::string> given = command.remaining();
  const std::string wrong =
      given.empty() ? "" : cat("unknown subject '", given.front(), "'", did_you_mean(given.front(), known), "; ");
  return cat(command.get_name(), ": ", wrong, "expected one of ", join(known));
}

int usage_error(Session& session, const std::string& message, const std::string& command) {
  session.err << "temper: error: " << printable(message) << "\nSee `temper" << (command.empty() ? "" : " " + command)
              << " --help`.\n";
  return kExitUsage;
}

std::string version_line() {
  const nlohmann::ordered_json e = environment();
  return cat("temper ", e.value("version", "?"), " (", e.value("commit", "?"), "); `temper version` says more\n");
}

// `temper help train` as `temper train --help`.
std::vector<std::string> without_help(std::vector<std::string> args) {
  if (args.empty() || args[0] != "help") return args;
  args.erase(args.begin());
  args.push_back("--help");
  return args;
}

void print_error(Session& session, const std::string& message) {
  session.err << "temper: error: " << printable(message) << std::endl;
}

/// The program's words, and the command that they choose.
class CommandLine {
 public:
  CommandLine() {
    app_.name("temper");
    app_.footer(footer());
    app_.set_version_flag("--version", version_line);
    app_.require_subcommand(1);
    for (const auto& [name, entry] : Registry<Subcommand>::instance().all()) {
      CLI::App* sub = app_.add_subcommand(name, entry.doc);
      sub->footer(footer());
      commands_[sub] = entry.make();
      Arguments arguments(*sub);
      commands_[sub]->declare(arguments);
    }
  }

  /// The exit code, where no command is to run.
  std::optional<int> parse(const std::vector<std::string>& given, Session& session);
  Subcommand& command() { return *commands_.at(chosen()); }
  std::string name() { return chosen() ? chosen()->get_name() : ""; }

 private:
  CLI::App* chosen() {
    const auto parsed = app_.get_subcommands();
    return parsed.empty() ? nullptr : parsed.front();
  }

  CLI::App app_{"Temper trains neural networks that withstand adversarial examples, and measures how well they do."};
  std::map<CLI::App*, std::unique_ptr<Subcommand>> commands_;
};

std::optional<int> CommandLine::parse(const std::vector<std::string>& given, Session& session) {
  const std::vector<std::string> args = without_help(given);
  const auto& registry = Registry<Subcommand>::instance();
  if (!args.empty() && args[0][0] != '-' && !registry.has(args[0]))
    return usage_error(session, cat("unknown command '", args[0], "'", did_you_mean(args[0], registry.names())), "");
  try {
    app_.parse(std::vector<std::string>(args.rbegin(), args.rend()));
  } catch (const CLI::CallForVersion& e) {
    session.out << e.what();
    return kExitOk;
  } catch (const CLI::CallForHelp&) {
    std::string help = (chosen() ? chosen() : &app_)->help();
    const std::string usage = "Usage: ";
    const size_t at = help.find(usage);
    if (chosen() && at != std::string::npos) help.insert(at + usage.size(), "temper ");
    session.out << help;
    return kExitOk;
  } catch (const CLI::ExtrasError& e) {
    const CLI::App* deepest = &app_;
    while (!deepest->get_subcommands().empty()) deepest = deepest->get_subcommands().front();
    const CLI::App& at = *deepest;
    const std::vector<std::string> extra = at.remaining(true);
    return usage_error(session, extra.empty() ? e.what() : unexpected(at, extra.front()), name());
  } catch (const CLI::ParseError& e) {
    if (chosen() && chosen()->get_require_subcommand_min() > 0 && chosen()->get_subcommands().empty())
      return usage_error(session, no_subject(*chosen()), name());
    if (args.empty()) {
      session.err << app_.help();
      return kExitUsage;
    }
    return usage_error(session, e.what(), name());
  }
  return {};
}

}  // namespace

std::string this_command(const Session& session, const std::string& option) {
  std::string out = quoted(session.program);
  for (const std::string& arg : session.args) out += " " + quoted(arg);
  const bool there = std::find(session.args.begin(), session.args.end(), option) != session.args.end();
  return option.empty() || there ? out : out + " " + option;
}

int run_cli(const std::vector<std::string>& args, Session session) {
  session.args = args;
  try {
    CommandLine line;
    std::optional<int> code = line.parse(args, session);
    try {
      if (!code) code = line.command().run(session);
    } catch (const UsageError& e) {
      code = usage_error(session, e.what(), line.name());
    }
    if (session.out.flush()) return *code;
    session.err << "temper: error: the output cannot be written; is the disk full, or has its reader ended?"
                << std::endl;
    return *code == kExitOk ? kExitError : *code;
  } catch (const Error& e) {
    print_error(session, e.what());
  } catch (const std::filesystem::filesystem_error& e) {
    print_error(session, cat(e.path1().string(), e.path2().empty() ? "" : " and " + e.path2().string(),
                             ": cannot be used: ", e.code().message()));
  } catch (const std::bad_alloc&) {
    print_error(session, "out of memory; lower loop.batch_size or evaluation.batch_size");
  } catch (const std::exception& e) {
    print_error(session, cat("unexpected: ", e.what(), "; this is a bug in temper: please report it with the command"));
  }
  return kExitError;
}

}  // namespace temper
