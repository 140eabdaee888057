#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <ostream>

#include "apps/results.h"
#include "apps/subcommand.h"
#include "core/text.h"
#include "trainers/records/run_lock.h"
#include "workflows/report/page.h"
#include "workflows/report/parts.h"
#include "workflows/report/result_table.h"

namespace temper {

namespace {

namespace fs = std::filesystem;

struct Report : Subcommand {
  std::vector<std::string> folders;
  std::string compare, json, title = "Comparison";
  double seconds = 0;

  void declare(CLI::App& app) override {
    app.add_option("run", folders, "folders of finished runs")->required()->expected(1, -1);
    app.add_option("--compare", compare, "write a page that compares the runs to this file");
    app.add_option("--json", json, "write a summary of the runs to this file");
    app.add_option("--title", title, "heading of the comparison");
    app.add_option("--seconds", seconds, "what the summary gives as the time of everything; without it: of training");
  }

  int run(Session& session) override {
    std::vector<RunReport> runs;
    std::vector<std::string> links;
    const fs::path from = compare.empty() ? fs::current_path() : fs::absolute(compare).parent_path();
    for (const std::string& folder : folders) {
      const RunFolder files{folder};
      std::optional<RunLock> lock;  // what a training writes while it is read would be in the page by halves
      if (fs::is_directory(files.root)) lock.emplace(files);
      runs.push_back(read_run(files.root));
      write_text(files.report().string(), run_page(runs.back()));
      links.push_back(fs::absolute(files.report()).lexically_proximate(from).generic_string());
    }
    if (!compare.empty()) write_text(compare, comparison_page(title, runs, links));
    const std::vector<NamedRun> named = named_by_folder(runs);
    const ResultTable results = result_table(named);
    if (!json.empty()) write_text(json, json_text(summary(runs, results)));
    table(session, named, results);
    std::vector<std::string> warnings = results.notes;
    for (const NamedRun& r : named)
      for (const std::string& doubt : report::doubts_of(*r.run)) warnings.push_back(r.name + ", " + doubt);
    for (const std::string& warning : warnings)
      session.err << ink(session.terminal, Ink::orange, "warning: ") << warning << std::endl;
    for (const std::string& folder : folders)
      session.out << "report: " << printable(RunFolder{folder}.report().string()) << "\n";
    if (!compare.empty()) session.out << "comparison: " << compare << "\n";
    return kExitOk;
  }

  nlohmann::ordered_json summary(const std::vector<RunReport>& runs, const ResultTable& results) const {
    nlohmann::ordered_json j = {{"runs", nlohmann::ordered_json::array()}};
    double all = 0;
    const auto percent = [](const RunReport& run, const char* label) -> nlohmann::ordered_json {
      const ReportRow* row = run.find(label);
      return row ? nlohmann::ordered_json(row->percent) : nlohmann::ordered_json(nullptr);
    };
    const auto nrr = [&](size_t i) -> nlohmann::ordered_json {
      for (const ResultTable::Column& c : results.columns)
        if (c.heading.starts_with("NRR") && !std::isnan(c.values[i])) return c.values[i];
      return nullptr;
    };
    for (size_t i = 0; i < runs.size(); ++i) {
      j["runs"].push_back({{"method", runs[i].method},
                           {"nat", percent(runs[i], "clean")},
                           {"pgd20", percent(runs[i], "pgd20")},
                           {"cw", percent(runs[i], "cw")},
                           {"nrr", nrr(i)},
                           {"train_seconds", runs[i].train_seconds}});
      all += runs[i].train_seconds;
    }
    if (!results.notes.empty()) j["differences"] = results.notes;
    j["images_train"] = runs.front().images_train;
    j["images_test"] = runs.front().images_test;
    j["seconds"] = seconds > 0 ? seconds : all;
    return j;
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
      session.out << line << fmt::format("  {:>12}", report::duration(runs[i].run->train_seconds)) << "\n";
    }
    if (!results.images.empty()) session.out << "accuracy in percent of " << results.images << "\n";
  }
};

}  // namespace

TEMPER_REGISTER(Subcommand, Report, "report", "rebuild the reports of runs, and compare them");

}  // namespace temper
