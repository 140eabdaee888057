#pragma once
// Reports of finished runs, and their comparison.
#include <filesystem>
#include <string>
#include <vector>

#include "workflows/report/result_table.h"

namespace TEMPER_API temper {

struct ReportOptions {
  std::vector<std::filesystem::path> folders;  ///< of the runs
  std::filesystem::path comparison;            ///< file of the comparison page; empty: none
  std::string title = "Comparison";            ///< its heading
};

struct Reports {
  std::vector<RunReport> runs;
  ResultTable table;                  ///< of all runs, one value per run
  std::vector<std::string> warnings;  ///< differences between the runs, and doubtful numbers
};

/// Reads runs, writes the report of each into its folder, and the comparison. Throws Error, naming the file, if a run
/// is not finished, or if another process works in its folder.
Reports run_report(const ReportOptions& options);

/// The results as one JSON text. `seconds` is the total time in it; 0: the sum of all trainings.
std::string summary_text(const Reports& reports, double seconds = 0);

}  // namespace temper
