// What a run folder holds.
#include "tests/fuzz/target.h"
#include "trainers/records/metrics.h"
#include "trainers/state/checkpoint.h"
#include "workflows/report/page.h"

using namespace temper;
using namespace temper::fuzz;

TEMPER_FUZZ_TARGET(checkpoint) {
  as_file("run/checkpoints/last.safetensors", bytes);
  const LoadedCheckpoint loaded = load_checkpoint({folder() + "/run"});
  ParamLayout layout;
  layout.add("w", {2, 3}, {});
  ParamBuffer weights(layout, DType::f32, {});
  double rate = 0;
  int64_t step = 0;
  restore(loaded.content, loaded.file, [&](StateVisitor& v) {
    v("weights", weights);
    v("rate", rate);
    v("step", step);
  });
}

TEMPER_FUZZ_TARGET(metrics) {
  const auto files = pieces(bytes, 2);
  as_file("metrics/metrics.jsonl", files[0]);
  as_file("metrics/metrics.csv", files[1]);
  MetricsLog(RunFolder{folder() + "/metrics"}, 2, 20);
}

TEMPER_FUZZ_TARGET(report) {
  const char* names[] = {"evaluation.json", "examples.json", "metrics.csv", "config.yaml", "environment.json"};
  const auto files = pieces(bytes, std::size(names));
  for (size_t i = 0; i < files.size(); ++i) as_file(std::string("report/") + names[i], files[i]);
  const std::string page = run_page(read_run(folder() + "/report"));
  promise(page.find("<script") == std::string::npos);
}
