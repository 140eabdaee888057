#pragma once
// The results of several runs side by side, without mixing what was not measured alike.
#include <functional>
#include <string>
#include <vector>

#include "workflows/report/run.h"

namespace TEMPER_API temper {

struct NamedRun {
  std::string name;  ///< in notes
  const RunReport* run = nullptr;
};

/// One column a measurement, one value a run. Numbers share a column only if they were measured alike: under an attack
/// of the same parameters, on the same images with the same labels, in the same precision. Where runs give one label to
/// different measurements, each has a column, whose heading says what sets it apart.
struct ResultTable {
  struct Column {
    std::string key, heading;    ///< "pgd20", "PGD-20"; "pgd20 (radius 0.1)", "PGD-20 (radius 0.1)"
    std::vector<double> values;  ///< NaN: not measured
  };
  std::vector<Column> columns;
  /// What NRR is computed with, one attack for all runs: the one labelled "cw", as in the field's tables, or without
  /// one that all runs with attacks share the strongest of those. Empty: there is none, and no column.
  std::string nrr_attack;
  /// "2,000 test images" where all runs were measured on as many; else empty, and headings or notes say it.
  std::string images;
  /// What else the reader has to know: in what the runs differ, what is not on record.
  std::vector<std::string> notes;
};
ResultTable result_table(const std::vector<NamedRun>& runs);

/// Runs told apart by the names of their folders where that is enough, else by their paths.
std::vector<NamedRun> named_by_folder(const std::vector<RunReport>& runs);
/// By method where that is enough, else as above.
std::vector<NamedRun> named_by_method(const std::vector<RunReport>& runs);

/// "The runs differ in precision: f32 (a, b); bf16 (c)."; empty where they do not. A run without a value does not
/// count.
std::string said_where_different(const std::string& what, const std::vector<NamedRun>& runs,
                                 const std::function<std::string(const RunReport&)>& value);

}  // namespace temper
