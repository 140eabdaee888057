#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "trainers/experiment.h"
#include "trainers/records/run_folder.h"
#include "workflows/report/seed_table.h"

namespace TEMPER_API temper {

/// One row of a sweep's table: a configuration and its overrides.
struct SweepRow {
  std::string label;   ///< in the table; empty: the name of the file
  std::string config;  ///< relative to the sweep's file
  Config set;
  PublishedResults published;
  std::string place;  ///< in the file, for messages
  void fields(Fields& f);
};

/// A table of experiments, as read from one YAML file: every row with every seed.
struct SweepFile {
  std::string title;
  std::vector<int> seeds = {0, 1, 2};
  Config set;
  std::vector<SweepRow> rows;
  void fields(Fields& f);
};

/// One run of a sweep.
struct SweepRun {
  std::string label;
  int seed = 0;
  Experiment experiment;
  RunFolder folder;
};

/// The runs of a sweep in order: all rows with the first seed, then all with the next, so that an interrupted sweep has
/// complete seeds. Their folders are OUT/ROW/seed_N.
struct Sweep {
  std::string title;
  std::vector<std::string> labels;
  std::map<std::string, PublishedResults> published;  ///< by label
  std::vector<SweepRun> runs;
  std::filesystem::path out;
};

/// Reads and checks every configuration; throws Error, with file and line, before anything is trained.
Sweep read_sweep(const std::string& file, const std::vector<std::string>& overrides, const std::filesystem::path& out);

}  // namespace temper
