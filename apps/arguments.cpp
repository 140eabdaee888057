#include "apps/arguments.h"

#include <CLI/CLI.hpp>

namespace temper {

const Argument& Argument::required() const {
  option_.required();
  return *this;
}
const Argument& Argument::one_or_more() const {
  option_.expected(1, -1);
  return *this;
}
const Argument& Argument::positive() const {
  option_.check(CLI::PositiveNumber);
  return *this;
}
const Argument& Argument::not_negative() const {
  option_.check(CLI::NonNegativeNumber);
  return *this;
}

template <class T>
Argument Arguments::take(const std::string& name, T& into, const std::string& doc) {
  return Argument(*app_->add_option(name, into, doc));
}
template Argument Arguments::take(const std::string&, std::string&, const std::string&);
template Argument Arguments::take(const std::string&, int&, const std::string&);
template Argument Arguments::take(const std::string&, int64_t&, const std::string&);
template Argument Arguments::take(const std::string&, uint64_t&, const std::string&);
template Argument Arguments::take(const std::string&, double&, const std::string&);
template Argument Arguments::take(const std::string&, std::vector<std::string>&, const std::string&);

void Arguments::flag(const std::string& name, bool& into, const std::string& doc) { app_->add_flag(name, into, doc); }

Arguments Arguments::word(const std::string& name, const std::string& doc, const std::string& more) {
  app_->require_subcommand(1);
  CLI::App* word = app_->add_subcommand(name, doc);
  if (!more.empty()) word->footer(more);
  return Arguments(*word);
}

bool Arguments::given() const { return app_->parsed(); }

}  // namespace temper
