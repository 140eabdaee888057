#include "apps/audit.h"

#include <CLI/CLI.hpp>
#include <map>

namespace temper {

namespace {

struct Audit : Subcommand {
  std::map<CLI::App*, std::unique_ptr<AuditSubject>> subjects;

  void declare(CLI::App& app) override {
    app.require_subcommand(1);
    for (const auto& [name, entry] : Registry<AuditSubject>::instance().all()) {
      CLI::App* sub = app.add_subcommand(name, entry.doc);
      sub->footer(app.get_footer());
      subjects.emplace(sub, entry.make()).first->second->declare(*sub);
    }
  }

  int run(Session& session) override {
    for (const auto& [app, subject] : subjects)
      if (app->parsed()) return subject->run(session);
    throw UsageError("audit: expected a subject; `temper audit --help` lists them");
  }
};

}  // namespace

TEMPER_REGISTER(Subcommand, Audit, "audit",
                "measure what lower precision costs attacks; compare training steps between devices and builds");

}  // namespace temper
