#include "apps/audit.h"

namespace temper {

namespace {

struct Audit : Subcommand {
  std::vector<std::pair<Arguments, std::unique_ptr<AuditSubject>>> subjects;

  void declare(Arguments& app) override {
    for (const auto& [name, entry] : Registry<AuditSubject>::instance().all()) {
      auto& [arguments, subject] = subjects.emplace_back(app.word(name, entry.doc), entry.make());
      subject->declare(arguments);
    }
  }

  int run(Session& session) override {
    for (const auto& [arguments, subject] : subjects)
      if (arguments.given()) return subject->run(session);
    throw UsageError("audit: expected a subject; `temper audit --help` lists them");
  }
};

}  // namespace

TEMPER_REGISTER(Subcommand, Audit, "audit",
                "measure how attacks change in lower precision; compare training steps between devices and builds");

}  // namespace temper
