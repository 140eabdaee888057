#pragma once
// Looking into what training does: the experiments behind a paper's figures, each a file that registers itself.
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

/// What an analysis looks at: an experiment that it trains itself, or a run.
struct Subject {
  std::string name;                 ///< in tables: of the file or the folder
  Config config;                    ///< of the experiment, as far as it is given
  std::optional<RunFolder> folder;  ///< of a run
};

struct AnalysisContext {
  const std::vector<Subject>& subjects;
  std::filesystem::path out;  ///< exists; runs that the analysis trains go below it
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
  /// Throws Interrupted when a signal ended it; the same call continues.
  virtual Findings run(const AnalysisContext& context) = 0;
};

}  // namespace temper
