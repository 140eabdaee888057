#pragma once
// The results of several runs in one table, without mixing different measurements.
#include <functional>
#include <string>
#include <vector>

#include "workflows/report/run.h"

namespace TEMPER_API temper {

struct NamedRun {
  std::string name;  ///< in notes
  const RunReport* run = nullptr;
};

/// One column per measurement, one value per run. Numbers share a column only if they were measured in the same way:
/// under an attack with the same parameters, on the same images with the same labels, in the same precision. If runs
/// use one label for different measurements, each has its own column, and the headings name the differences.
struct ResultTable {
  struct Column {
    std::string key, heading;    ///< "pgd20", "PGD-20"; "pgd20 (radius 0.1)", "PGD-20 (radius 0.1)"
    std::vector<double> values;  ///< NaN: not measured
  };
  std::vector<Column> columns;
  /// The attack for NRR, the same for all runs: the one labelled "cw", as in published tables, or else the strongest
  /// one that all runs with attacks share. Empty: there is none, and no column.
  std::string nrr_attack;
  /// "2,000 test images", if all runs have the same number; else empty, and headings or notes give the numbers.
  std::string images;
  /// Remarks for the reader: differences between the runs, and unknown conditions.
  std::vector<std::string> notes;
};
ResultTable result_table(const std::vector<NamedRun>& runs);

/// Names runs by their folders, or by their paths if folder names are not unique.
std::vector<NamedRun> named_by_folder(const std::vector<RunReport>& runs);
/// Names runs by method if that is unique, else as above.
std::vector<NamedRun> named_by_method(const std::vector<RunReport>& runs);

/// "The runs differ in precision: f32 (a, b); bf16 (c).", or empty if they do not. Runs without a value are ignored.
std::string said_where_different(const std::string& what, const std::vector<NamedRun>& runs,
                                 const std::function<std::string(const RunReport&)>& value);

}  // namespace temper
