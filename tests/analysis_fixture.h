#pragma once
// A two-class data set and a linear classifier: what can be computed by hand.
#include <string>
#include <vector>

#include "analysis/analysis.h"
#include "tests/temporary_folder.h"
#include "tests/training_fixture.h"

namespace temper::test {

/// 24 images of 4 x 4 grey pixels near the middle of the range, of two classes.
inline std::string linear_yaml(const std::string& more = "") {
  return "seed: 3\ndevice: cpu\nthreads: 1\n"
         "data: {name: test_two, validation: 0}\n"
         "model: {name: test_linear}\n"
         "trainer: {name: standard}\n"
         "optimizer: {lr: 0.5, momentum: 0, weight_decay: 0}\n"
         "loop: {epochs: 8, batch_size: 24, log_every: 1}\n" +
         more;
}

/// An analysis with settings, as `analysis:` has them.
inline std::unique_ptr<Analysis> make_analysis(const std::string& name, const std::string& settings = "") {
  const Config config = parse_config(settings, "settings.yaml");
  Fields f(config);
  std::unique_ptr<Analysis> a = Registry<Analysis>::instance().make(name);
  a->fields(f);
  f.finish();
  return a;
}

/// Trains what a configuration says and gives the run.
inline Subject trained_subject(const TemporaryFolder& folder, const std::string& yaml,
                               const std::string& name = "run") {
  const Config config = parse_config(yaml, "run.yaml");
  Experiment e = read_experiment(config);
  Recorder nobody;
  const RunFolder run{folder.path() / name};
  run_training(e, run, nobody);
  return {.name = name, .config = load_config(run.config().string()), .folder = run};
}

}  // namespace temper::test
