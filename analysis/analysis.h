#pragma once
// Analyses of training and of trained networks, such as the experiments of a paper's figures. Each is a file that
// registers itself.
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "analysis/findings.h"
#include "core/config/config.h"
#include "core/registry.h"
#include "trainers/loop/observer.h"
#include "trainers/records/run_folder.h"

namespace TEMPER_API temper {

/// The input of an analysis: an experiment, which it trains itself, or a run.
struct Subject {
  std::string name;                 ///< for tables: the name of the file or folder
  Config config;                    ///< of the experiment, as given
  std::optional<RunFolder> folder;  ///< of a run
};

struct AnalysisContext {
  const std::vector<Subject>& subjects;
  std::filesystem::path out;  ///< an existing folder, also for runs that the analysis trains
  Observer& observer;
};

/// `temper analyze NAME`. Its fields() are the section `analysis` of a configuration.
class Analysis {
 public:
  enum class Takes : uint8_t { experiments, runs, either };
  virtual ~Analysis() = default;
  virtual void fields(Fields&) {}
  virtual Takes takes() const = 0;
  /// What is measured, in a few sentences.
  virtual std::string help() const = 0;
  /// Throws Interrupted after a signal; the same call continues.
  virtual Findings run(const AnalysisContext& context) = 0;
};

}  // namespace temper
