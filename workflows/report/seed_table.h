#pragma once
// Results of methods over seeds, as tables for papers and programs.
#include <optional>
#include <string>
#include <vector>

#include "workflows/report/run.h"

namespace TEMPER_API temper {

/// Mean and sample standard deviation (divided by n - 1; NaN for n = 1) of what is not NaN.
struct Spread {
  double mean = NAN, deviation = NAN;
  int64_t count = 0;
};
Spread spread_of(const std::vector<double>& values);

/// The runs of a method, one a seed; none where a seed has no results.
struct MethodRuns {
  std::string label;
  std::vector<std::optional<RunReport>> runs;
};

/// One row a method, one column a measurement, in every cell one value a seed.
struct SeedTable {
  struct Column {
    std::string key, heading;  ///< as in workflows/report/result_table.h
  };
  struct Row {
    std::string label;
    std::vector<std::vector<double>> values;  ///< values[column][seed]; NaN: not measured
  };
  std::string title;
  std::vector<int> seeds;
  std::vector<Column> columns;
  std::vector<Row> rows;
  std::string note;                  ///< what the numbers are
  std::vector<std::string> caveats;  ///< in what the runs differ, which seeds are missing
};

/// The table of runs grouped by method: natural accuracy, accuracy under every attack, NRR of every run. What was not
/// measured alike has columns of its own; what else differs, and what is missing, is among the caveats.
SeedTable seed_table(const std::string& title, const std::vector<int>& seeds, const std::vector<MethodRuns>& methods);

/// "79.51 ± 0.35", or "79.51" of one run, "-" of none; `plus_minus` is written between.
std::string cell_text(const Spread& s, const std::string& plus_minus);

std::string table_markdown(const SeedTable& table);
/// One line a method: label, n, then mean and standard deviation of every column.
std::string table_csv(const SeedTable& table);
/// A tabular with the rules of the package booktabs.
std::string table_latex(const SeedTable& table);
/// As JSON, with every single value.
std::string table_json(const SeedTable& table);

/// Writes table.md, table.csv, table.tex and table.json into a folder.
void write_tables(const SeedTable& table, const std::filesystem::path& folder);

}  // namespace temper
