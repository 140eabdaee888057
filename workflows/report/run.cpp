#include "workflows/report/run.h"

#include "core/config/config.h"
#include "core/text.h"
#include "trainers/records/run_environment.h"
#include "trainers/records/run_files.h"

namespace temper {

namespace fs = std::filesystem;

RunReport read_run(const fs::path& folder) {
  const RunFolder files{folder};
  const std::string root = folder.string();
  TEMPER_CHECK(fs::is_directory(folder), root, ": no such run folder; `temper train` makes one");
  TEMPER_CHECK(fs::exists(files.evaluation()) || fs::exists(files.config()), root,
               ": holds no run, because there is no config.yaml in it; `temper train` makes one");
  TEMPER_CHECK(fs::exists(files.evaluation()), files.evaluation().string(),
               ": not found, so this run has not been evaluated yet; finish it with `temper train ",
               quoted(files.config().string()), " --out ", quoted(root), " --resume`");
  return read_run(folder, read_evaluation(files.evaluation()));
}

RunReport read_run(const fs::path& folder, const Evaluation& evaluation) {
  const RunFolder files{folder};
  RunReport run{evaluation};
  run.folder = folder;
  run.name = printable(fs::weakly_canonical(folder).filename().string());
  run.examples = read_examples(files.examples());
  run.curve = read_epoch_table(files.epochs_csv());
  run.config = read_run_text(files.config());
  run.settings = flattened(parse_config(run.config, files.config().string()).root);
  run.environment = read_environment(files);
  return run;
}

}  // namespace temper
