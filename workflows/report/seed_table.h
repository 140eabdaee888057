#pragma once
// Results of methods over seeds, as tables for papers and programs.
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "workflows/report/run.h"

namespace TEMPER_API temper {

/// Mean and sample standard deviation (divided by n - 1; NaN for n = 1) of values that are not NaN.
struct Spread {
  double mean = NAN, deviation = NAN;
  int64_t count = 0;
};
Spread spread_of(const std::vector<double>& values);

/// Published results of a method, in percent, by the key of their column: clean, the label of an attack, nrr.
using PublishedResults = std::map<std::string, double>;

/// The runs of a method, one per seed; empty for a seed without results.
struct MethodRuns {
  std::string label;
  std::vector<std::optional<RunReport>> runs;
  PublishedResults published = {};
};

/// One row per method, one column per measurement, one value per seed in every cell.
struct SeedTable {
  struct Column {
    std::string key, heading;  ///< as in workflows/report/result_table.h
  };
  struct Row {
    std::string label;
    std::vector<std::vector<double>> values;  ///< values[column][seed]; NaN: not measured
    std::vector<double> published = {};       ///< published[column]; NaN: none; empty: none at all
  };
  std::string title;
  std::vector<int> seeds;
  std::vector<Column> columns;
  std::vector<Row> rows;
  std::string note;                  ///< an explanation of the numbers
  std::vector<std::string> caveats;  ///< differences between the runs, and missing seeds
};

/// The table of runs grouped by method: natural accuracy, accuracy under every attack, NRR of every run. Different
/// measurements have separate columns; other differences, and missing runs, are among the caveats.
SeedTable seed_table(const std::string& title, const std::vector<int>& seeds, const std::vector<MethodRuns>& methods);

/// The rows below a method's own: its published results, and how far the means lie from them. Empty if there are none.
struct PublishedLines {
  std::string label;
  std::vector<std::string> cells;  ///< one per column
};
std::vector<PublishedLines> published_lines(const SeedTable::Row& row);

/// "79.51 ± 0.35", or "79.51" of one run, "-" of none; `plus_minus` is written between.
std::string cell_text(const Spread& s, const std::string& plus_minus);

std::string table_markdown(const SeedTable& table);
/// One line per method: label, n, then mean and standard deviation of every column.
std::string table_csv(const SeedTable& table);
/// A LaTeX tabular for the package booktabs.
std::string table_latex(const SeedTable& table);
/// As JSON, with every single value.
std::string table_json(const SeedTable& table);

/// Writes table.md, table.csv, table.tex and table.json into a folder.
void write_tables(const SeedTable& table, const std::filesystem::path& folder);

}  // namespace temper
