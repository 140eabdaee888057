#pragma once
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "analysis/findings.h"
#include "trainers/loop/observer.h"

namespace TEMPER_API temper {

struct AnalysisOptions {
  std::string name;                    ///< of the analysis
  std::vector<std::string> inputs;     ///< folders of runs, YAML files of experiments: as the analysis takes them
  std::vector<std::string> overrides;  ///< key=value that overrides the configurations, such as analysis.KEY=VALUE
  std::filesystem::path out;           ///< made where it is not there; runs that the analysis trains go below it
};

struct AnalysisResult {
  Findings findings;
  std::vector<std::string> files;  ///< with the findings, in AnalysisOptions::out (write_findings)
};

/// Runs an analysis and writes what it found, and its settings as settings.yaml. Nothing is returned where SIGINT,
/// SIGTERM or SIGHUP ended it; the same call continues. Throws Error for inputs and settings that the analysis does not
/// take, and as the training and testing that it does.
std::optional<AnalysisResult> run_analysis(const AnalysisOptions& options, Observer& observer);

}  // namespace temper
