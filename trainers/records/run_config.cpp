#include "trainers/records/run_config.h"

#include "core/files/file.h"
#include "core/text.h"
#include "trainers/records/config_diff.h"

namespace temper {

std::string config_text(const Experiment& experiment) { return experiment.resolved.yaml() + "\n"; }

Experiment experiment_of(const std::string& text, const std::string& where) {
  return read_experiment(parse_config(text, where));
}

bool has_config(const RunFolder& folder, const Experiment& experiment) {
  if (!std::filesystem::exists(folder.config())) return false;
  const std::string file = folder.config().string();
  return config_text(experiment_of(read_text(file), file)) ==
         config_text(experiment_of(config_text(experiment), "the configuration"));
}

void check_same_config(const Experiment& before, const Experiment& now, const std::string& where) {
  const std::vector<std::string> differences = config_differences(config_text(before), config_text(now));
  TEMPER_CHECK(differences.empty(), "resume: this is not the configuration of ", where, "; it differs in\n  ",
               join(differences, "\n  "),
               "\nresume with the run's own configuration, or start a new run in another folder");
}

void check_same_run(const RunFolder& folder, const Experiment& experiment) {
  const std::string file = folder.config().string();
  check_same_config(experiment_of(read_text(file), file), experiment, file);
}

}  // namespace temper
