#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <ostream>

#include "apps/results.h"
#include "apps/subcommand.h"
#include "core/text.h"
#include "evaluation/report_page.h"
#include "evaluation/report_parts.h"
#include "trainers/run_folder.h"

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
      runs.push_back(read_run(files.root));
      write_text(files.report().string(), run_page(runs.back()));
      links.push_back(fs::absolute(files.report()).lexically_proximate(from).generic_string());
    }
    if (!compare.empty()) write_text(compare, comparison_page(title, runs, links));
    if (!json.empty()) write_text(json, json_text(summary(runs)));
    table(session, runs);
    for (const std::string& folder : folders)
      session.out << "report: " << printable(RunFolder{folder}.report().string()) << "\n";
    if (!compare.empty()) session.out << "comparison: " << compare << "\n";
    return kExitOk;
  }

  nlohmann::ordered_json summary(const std::vector<RunReport>& runs) const {
    nlohmann::ordered_json j = {{"runs", nlohmann::ordered_json::array()}};
    double all = 0;
    const auto percent = [](const RunReport& run, const char* label) -> nlohmann::ordered_json {
      const ReportRow* row = run.find(label);
      return row ? nlohmann::ordered_json(row->percent) : nlohmann::ordered_json(nullptr);
    };
    for (const RunReport& run : runs) {
      j["runs"].push_back(
          {{"method", run.method},
           {"nat", percent(run, "clean")},
           {"pgd20", percent(run, "pgd20")},
           {"cw", percent(run, "cw")},
           {"nrr", std::isnan(run.nrr) ? nlohmann::ordered_json(nullptr) : nlohmann::ordered_json(run.nrr)},
           {"train_seconds", run.train_seconds}});
      all += run.train_seconds;
    }
    j["images_train"] = runs.front().images_train;
    j["images_test"] = runs.front().images_test;
    j["seconds"] = seconds > 0 ? seconds : all;
    return j;
  }

  static void table(Session& session, const std::vector<RunReport>& runs) {
    std::vector<std::string> labels;
    for (const RunReport& run : runs)
      for (const ReportRow& row : run.rows)
        if (std::find(labels.begin(), labels.end(), row.label) == labels.end()) labels.push_back(row.label);
    size_t widest = 8;
    for (const RunReport& run : runs) widest = std::max({widest, run.method.size(), run.name.size()});
    std::string head = fmt::format("{:<{}}", "run", widest);
    for (const std::string& label : labels) head += fmt::format("  {:>9}", report::shown(label));
    session.out << ink(session.terminal, Ink::bold, head + fmt::format("  {:>9}  {:>12}", "NRR", "training")) << "\n";
    for (const RunReport& run : runs) {
      std::string line = fmt::format("{:<{}}", run.name, widest);
      for (const std::string& label : labels) {
        const ReportRow* row = run.find(label);
        line += row ? fmt::format("  {:>9.2f}", row->percent) : fmt::format("  {:>9}", "-");
      }
      line += std::isnan(run.nrr) ? fmt::format("  {:>9}", "-") : fmt::format("  {:>9.2f}", run.nrr);
      session.out << line << fmt::format("  {:>12}", report::duration(run.train_seconds)) << "\n";
    }
  }
};

}  // namespace

TEMPER_REGISTER(Subcommand, Report, "report", "rebuild the reports of runs, and compare them");

}  // namespace temper
