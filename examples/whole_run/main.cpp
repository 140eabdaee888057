// Whole runs inside another program: two methods are trained, tested and compared, with progress of the program's own.
#include <temper/workflows/run_experiment.h>
#include <temper/workflows/run_report.h>

#include <cstdio>

using namespace temper;

/// Is told what happens; never influences it.
struct Progress : Observer {
  void on_start(const StartReport& r) override { std::printf("%s on %s\n", r.method.c_str(), r.data.c_str()); }
  void on_epoch(const EpochReport& r) override {
    std::printf("  epoch %lld of %lld: loss %.3f, robust %.1f %%\n", static_cast<long long>(r.epoch),
                static_cast<long long>(r.epochs), r.train_loss, r.validation ? r.validation->robust : 0);
  }
  void on_warning(const std::string& text) override { std::printf("  warning: %s\n", text.c_str()); }
};

/// What a YAML file would say; load_config() reads one.
std::string configuration(const std::string& method) {
  return "data: {name: fashion_mnist_small, validation: 500}\n"
         "model: {name: small_cnn}\n"
         "trainer: {name: " +
         method +
         ", attack: {radius: 0.1, step: 0.05, steps: 2}}\n"
         "optimizer: {lr: 0.02}\n"
         "loop: {epochs: 1}\n"
         "evaluation:\n"
         "  validation: {name: pgd, radius: 0.1, step: 0.05, steps: 2}\n"
         "  attacks: {pgd5: {name: pgd, radius: 0.1, step: 0.03, steps: 5}}\n";
}

int main(int argc, char** argv) try {
  const std::filesystem::path out = argc > 1 ? argv[1] : "whole_run";
  Progress progress;
  std::vector<std::filesystem::path> folders;
  for (const std::string method : {"pgd_at", "trades"}) {
    Experiment experiment = read_experiment(parse_config(configuration(method), method));
    const RunFolder folder{out / method};
    // A run that was interrupted goes on, one that is complete is left as it is.
    const Resume resume = run_state(experiment, folder) == RunState::absent ? Resume::no : Resume::yes;
    const RunResult run = run_experiment(experiment, folder, progress, {.resume = resume});
    if (!run.test) return 1;  // a signal ended it
    for (const EvaluationRow& row : run.test->evaluation.rows)
      std::printf("  %-6s %6.2f %%\n", row.label.c_str(), row.percent);
    folders.push_back(folder.root);
  }
  const Reports reports = run_report({.folders = folders, .comparison = out / "comparison.html"});
  for (const std::string& warning : reports.warnings) std::printf("warning: %s\n", warning.c_str());
  std::printf("%s compares %zu runs\n", (out / "comparison.html").c_str(), reports.runs.size());
} catch (const Error& e) {
  std::fprintf(stderr, "%s\n", e.what());
  return 1;
}
