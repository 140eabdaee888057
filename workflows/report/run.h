#pragma once
// The data of a report of one run, read from the files of its folder.
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "trainers/records/epoch_table.h"
#include "workflows/records/evaluation.h"
#include "workflows/records/examples.h"

namespace TEMPER_API temper {

struct RunReport : Evaluation {
  std::filesystem::path folder;
  std::string name;  ///< of the folder
  std::vector<EpochRow> curve;
  Examples examples;
  std::string config;  ///< resolved, YAML
  FlatYaml settings;   ///< the same, flat
  std::vector<std::pair<std::string, std::string>> environment;
};

/// Reads evaluation.json, examples.json, metrics.csv, config.yaml and environment.json of a run folder. Only the first
/// is required. Throws Error naming the file and the command to run.
RunReport read_run(const std::filesystem::path& folder);
/// The same with an evaluation that is not written yet.
RunReport read_run(const std::filesystem::path& folder, const Evaluation& evaluation);

}  // namespace temper
