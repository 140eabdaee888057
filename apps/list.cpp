#include <ostream>

#include "apps/kinds.h"
#include "apps/subcommand.h"

namespace temper {

namespace {

struct List : Subcommand {
  std::string wanted;

  void declare(Arguments& app) override {
    app.take("kind", wanted, "trainers, attacks, models, layers, data, schedules or analyses; without it: all of them");
  }

  int run(Session& session) override {
    std::vector<const Kind*> chosen;
    std::vector<std::string> known;
    for (const Kind& kind : kinds()) {
      known.push_back(kind.plural);
      if (wanted.empty() || wanted == kind.plural || wanted == kind.name || wanted == kind.section)
        chosen.push_back(&kind);
    }
    TEMPER_CHECK(!chosen.empty(), "list: unknown kind '", wanted, "'", did_you_mean(wanted, known),
                 " (known: ", join(known), ")");
    for (const Kind* kind : chosen) {
      size_t widest = 0;
      for (const auto& [name, doc] : kind->members()) widest = std::max(widest, name.size());
      session.out << ink(session.terminal, Ink::bold, kind->plural) << "\n";
      for (const auto& [name, doc] : kind->members())
        session.out << "  " << name << std::string(widest + 2 - name.size(), ' ')
                    << wrapped(doc, static_cast<size_t>(std::max(30, session.terminal.columns())) - widest - 4,
                               widest + 4)
                    << "\n";
    }
    if (wanted.empty())
      session.out
          << "\n`temper describe NAME` shows the keys of any of them, `temper describe experiment` all others.\n";
    return kExitOk;
  }
};

}  // namespace

TEMPER_REGISTER(Subcommand, List, "list", "trainers, attacks, models, layers, data sets, schedules and analyses");

}  // namespace temper
