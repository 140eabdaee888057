#pragma once
// Reports of runs that are finished, and a comparison of several.
#include <filesystem>
#include <string>
#include <vector>

#include "workflows/report/result_table.h"

namespace TEMPER_API temper {

struct ReportOptions {
  std::vector<std::filesystem::path> folders;  ///< of the runs
  std::filesystem::path comparison;            ///< a page that compares the runs goes there; empty: none
  std::string title = "Comparison";            ///< its heading
};

struct Reports {
  std::vector<RunReport> runs;
  ResultTable table;                  ///< of all of them, one value a run
  std::vector<std::string> warnings;  ///< in what they differ, which numbers are doubtful
};

/// Reads runs, writes the report of each into its folder, and the comparison. Throws Error, naming the file, for what
/// is no finished run, and where another process works in a folder.
Reports run_report(const ReportOptions& options);

/// The results as one JSON text. `seconds` is what it gives as the time of everything; 0: the time of all trainings.
std::string summary_text(const Reports& reports, double seconds = 0);

}  // namespace temper
