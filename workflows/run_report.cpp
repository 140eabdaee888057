#include "workflows/run_report.h"

#include <optional>

#include "core/files/folders.h"
#include "trainers/records/run_files.h"
#include "trainers/records/run_lock.h"
#include "workflows/report/page.h"
#include "workflows/report/parts.h"

namespace temper {

namespace {

namespace fs = std::filesystem;
using json = nlohmann::ordered_json;

json percent(const RunReport& run, const char* label) {
  const EvaluationRow* row = run.find(label);
  return row ? json(row->percent) : json(nullptr);
}

json nrr(const ResultTable& table, size_t run) {
  for (const ResultTable::Column& c : table.columns)
    if (c.heading.starts_with("NRR") && !std::isnan(c.values[run])) return c.values[run];
  return nullptr;
}

}  // namespace

Reports run_report(const ReportOptions& options) {
  TEMPER_CHECK(!options.folders.empty(), "run_report: expected at least one folder of a run");
  Reports out;
  std::vector<std::string> links;
  const fs::path from =
      options.comparison.empty() ? fs::current_path() : fs::absolute(options.comparison).parent_path();
  for (const fs::path& folder : options.folders) {
    const RunFolder files{folder};
    std::optional<RunLock> lock;  // what a training writes while it is read would be in the page by halves
    if (fs::is_directory(folder)) lock.emplace(files);
    out.runs.push_back(read_run(folder));
    write_text(files.report(), run_page(out.runs.back()));
    links.push_back(fs::absolute(files.report()).lexically_proximate(from).generic_string());
  }
  if (!options.comparison.empty()) write_text(options.comparison, comparison_page(options.title, out.runs, links));
  const std::vector<NamedRun> named = named_by_folder(out.runs);
  out.table = result_table(named);
  out.warnings = out.table.notes;
  for (const NamedRun& r : named)
    for (const std::string& doubt : report::doubts_of(*r.run)) out.warnings.push_back(r.name + ", " + doubt);
  return out;
}

std::string summary_text(const Reports& reports, double seconds) {
  json j = {{"runs", json::array()}};
  double all = 0;
  for (size_t i = 0; i < reports.runs.size(); ++i) {
    const RunReport& run = reports.runs[i];
    j["runs"].push_back({{"method", run.method},
                         {"nat", percent(run, "clean")},
                         {"pgd20", percent(run, "pgd20")},
                         {"cw", percent(run, "cw")},
                         {"nrr", nrr(reports.table, i)},
                         {"train_seconds", run.training.seconds}});
    all += run.training.seconds;
  }
  if (!reports.table.notes.empty()) j["differences"] = reports.table.notes;
  j["images_train"] = reports.runs.front().training.images_train;
  j["images_test"] = reports.runs.front().images_test;
  j["seconds"] = seconds > 0 ? seconds : all;
  return json_text(j);
}

}  // namespace temper
