#include <fmt/format.h>

#include <ostream>

#include "apps/subcommand.h"
#include "core/files/folders.h"
#include "core/text.h"
#include "workflows/run_report.h"

namespace temper {

namespace {

struct Report : Subcommand {
  std::vector<std::string> folders;
  std::string compare, json, title = ReportOptions().title;
  double seconds = 0;

  void declare(Arguments& app) override {
    app.take("run", folders, "folders of finished runs").required().one_or_more();
    app.take("--compare", compare, "write a page that compares the runs to this file");
    app.take("--json", json, "write a summary of the runs to this file");
    app.take("--title", title, "heading of the comparison");
    app.take("--seconds", seconds, "what the summary gives as the time of everything; without it: of training");
  }

  int run(Session& session) override {
    const Reports reports =
        run_report({.folders = {folders.begin(), folders.end()}, .comparison = compare, .title = title});
    if (!json.empty()) write_text(json, summary_text(reports, seconds));
    table(session, named_by_folder(reports.runs), reports.table);
    for (const std::string& warning : reports.warnings)
      session.err << ink(session.terminal, Ink::orange, "warning: ") << warning << std::endl;
    for (const RunReport& run : reports.runs)
      session.out << "report: " << printable(RunFolder{run.folder}.report().string()) << "\n";
    if (!compare.empty()) session.out << "comparison: " << compare << "\n";
    return kExitOk;
  }

  static void table(Session& session, const std::vector<NamedRun>& runs, const ResultTable& results) {
    size_t widest = 8;
    for (const NamedRun& r : runs) widest = std::max({widest, r.run->method.size(), r.name.size()});
    const auto width = [](const std::string& heading) { return std::max<size_t>(9, heading.size()); };
    std::string head = fmt::format("{:<{}}", "run", widest);
    for (const ResultTable::Column& c : results.columns) head += fmt::format("  {:>{}}", c.heading, width(c.heading));
    session.out << ink(session.terminal, Ink::bold, head + fmt::format("  {:>12}", "training")) << "\n";
    for (size_t i = 0; i < runs.size(); ++i) {
      std::string line = fmt::format("{:<{}}", runs[i].name, widest);
      for (const ResultTable::Column& c : results.columns)
        line += std::isnan(c.values[i]) ? fmt::format("  {:>{}}", "-", width(c.heading))
                                        : fmt::format("  {:>{}.2f}", c.values[i], width(c.heading));
      session.out << line << fmt::format("  {:>12}", duration(runs[i].run->training.seconds)) << "\n";
    }
    if (!results.images.empty()) session.out << "accuracy in percent of " << results.images << "\n";
  }
};

}  // namespace

TEMPER_REGISTER(Subcommand, Report, "report", "rebuild the reports of runs, and compare them");

}  // namespace temper
