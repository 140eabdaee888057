#pragma once
// Arguments and options of a subcommand. CLI11's header takes longer to compile than a whole subcommand, so only
// arguments.cpp and cli.cpp include it.
#include <string>

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace temper {

/// Constraints on an argument or option, in addition to its type.
class Argument {
 public:
  explicit Argument(CLI::Option& option) : option_(option) {}
  const Argument& required() const;
  /// A list of at least one.
  const Argument& one_or_more() const;
  const Argument& positive() const;
  const Argument& not_negative() const;

 private:
  CLI::Option& option_;
};

/// The arguments and options of one subcommand.
class Arguments {
 public:
  explicit Arguments(CLI::App& app) : app_(&app) {}

  /// Declares an option or, if `name` does not begin with a dash, a positional argument. If it is not given, `into`
  /// keeps its value. T is one of std::string, int, int64_t, uint64_t, double and std::vector<std::string>.
  template <class T>
  Argument take(const std::string& name, T& into, const std::string& doc);
  void flag(const std::string& name, bool& into, const std::string& doc);

  /// A nested subcommand with its own arguments, and with `more` below its help. One of the nested subcommands must be
  /// given.
  Arguments word(const std::string& name, const std::string& doc, const std::string& more = "");
  /// Whether the command line has this subcommand.
  bool given() const;

 private:
  CLI::App* app_;
};

}  // namespace temper
