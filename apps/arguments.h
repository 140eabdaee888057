#pragma once
// What a word of the command line takes. CLI11's header takes longer to compile than all of a word, so arguments.cpp
// and cli.cpp alone include it.
#include <string>

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace temper {

/// An argument or option, for what is asked of it beside its type.
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

/// The arguments and options of one word.
class Arguments {
 public:
  explicit Arguments(CLI::App& app) : app_(&app) {}

  /// An option, or, where `name` begins with no dash, an argument. What is not given leaves `into` as it is. T is one
  /// of std::string, int, int64_t, uint64_t, double and std::vector<std::string>.
  template <class T>
  Argument take(const std::string& name, T& into, const std::string& doc);
  void flag(const std::string& name, bool& into, const std::string& doc);

  /// A word behind this one, with arguments of its own and `more` below its help; one of those has to be given.
  Arguments word(const std::string& name, const std::string& doc, const std::string& more = "");
  /// Whether the command line has this word.
  bool given() const;

 private:
  CLI::App* app_;
};

}  // namespace temper
