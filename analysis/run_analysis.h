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
  std::vector<std::string> inputs;     ///< run folders or YAML files of experiments, as the analysis requires
  std::vector<std::string> overrides;  ///< key=value that overrides the configurations, such as analysis.KEY=VALUE
  std::filesystem::path out;           ///< made if it does not exist; also for runs that the analysis trains
};

struct AnalysisResult {
  Findings findings;
  std::vector<std::string> files;  ///< with the findings, in AnalysisOptions::out (write_findings)
};

/// Runs an analysis and writes its findings, and its settings as settings.yaml. Returns nothing if SIGINT, SIGTERM or
/// SIGHUP ended it; the same call continues. Throws Error for invalid inputs and settings, and for errors of training
/// and testing.
std::optional<AnalysisResult> run_analysis(const AnalysisOptions& options, Observer& observer);

}  // namespace temper
