#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>
#include <ostream>

#include "apps/subcommand.h"
#include "apps/sweep_check.h"
#include "apps/sweep_file.h"
#include "apps/train_run.h"
#include "evaluation/seed_table.h"

namespace temper {

namespace {

namespace fs = std::filesystem;

const char* name(SweepRun::State state) {
  switch (state) {
    case SweepRun::State::absent: return "to train";
    case SweepRun::State::started: return "to continue";
    case SweepRun::State::complete: return "complete";
  }
  return "?";
}

SeedTable table_of(const Sweep& sweep) {
  std::vector<int> seeds;
  std::vector<std::pair<std::string, std::vector<RunReport>>> methods;
  for (const std::string& label : sweep.labels) {
    auto& [name, reports] = methods.emplace_back();
    name = label;
    for (const SweepRun& run : sweep.runs) {
      if (run.label != label) continue;
      reports.push_back(read_run(run.folder.root));
      if (methods.size() == 1) seeds.push_back(run.seed);
    }
  }
  return seed_table(sweep.title, seeds, methods);
}

void print(Session& session, const SeedTable& t) {
  size_t widest = 6;
  for (const SeedTable::Row& row : t.rows) widest = std::max(widest, row.label.size());
  const std::string between = session.terminal.unicode ? " ± " : " +- ";
  std::string head = fmt::format("{:<{}}", "method", widest);
  for (const SeedTable::Column& c : t.columns) head += fmt::format("  {:>14}", c.heading);
  session.out << ink(session.terminal, Ink::bold, head) << "\n";
  for (const SeedTable::Row& row : t.rows) {
    session.out << fmt::format("{:<{}}", row.label, widest);
    for (const auto& cell : row.values) session.out << fmt::format("  {:>14}", cell_text(spread_of(cell), between));
    session.out << "\n";
  }
}

struct SweepCommand : Subcommand {
  std::string file, out;
  std::vector<std::string> overrides;
  bool dry_run = false, quiet = false;

  void declare(CLI::App& app) override {
    app.add_option("file", file, "YAML file with `runs` and `seeds`; docs/sweeps.md explains it")->required();
    app.add_option("--set", overrides, "key=value that overrides the file, such as seeds=[0]");
    app.add_option("--out", out, "folder of the runs and the table; without it: runs/NAME for NAME.yaml");
    app.add_flag("--dry-run", dry_run, "check the configurations and list the runs, train nothing");
    app.add_flag("--quiet", quiet, "print the table and errors only");
  }

  int run(Session& session) override {
    const fs::path folder = out.empty() ? fs::path("runs") / fs::path(file).stem() : fs::path(out);
    Sweep sweep = read_sweep(file, overrides, folder);
    if (dry_run) {
      list(session, sweep);
      return kExitOk;
    }
    ConsoleObserver observer(session.out, session.err, session.terminal, quiet ? Verbosity::quiet : Verbosity::normal);
    check_sweep(sweep, folder, observer);
    for (size_t i = 0; i < sweep.runs.size(); ++i) {
      SweepRun& r = sweep.runs[i];
      const SweepRun::State state = r.state();
      observer.line(ink(session.terminal, Ink::bold,
                        fmt::format("[{}/{}] {}, seed {}", i + 1, sweep.runs.size(), r.label, r.seed)) +
                    (state == SweepRun::State::absent ? "" : fmt::format(": {}", name(state))));
      if (state == SweepRun::State::complete) {
        complete_report(r.folder);
        continue;
      }
      const Resume resume = state == SweepRun::State::started ? Resume::yes : Resume::no;
      if (train_run(r.experiment, r.folder, resume, observer, session.program)) continue;
      observer.line("interrupted; continue with: " + this_command(session));
      return kExitInterrupted;
    }
    write(session, table_of(sweep), folder);
    return kExitOk;
  }

  static void list(Session& session, const Sweep& sweep) {
    std::map<SweepRun::State, int> counts;
    for (const SweepRun& r : sweep.runs) {
      const SweepRun::State state = r.state();
      ++counts[state];
      session.out << fmt::format("{:<12} {}, seed {}: {} on {}, {}, in {}\n", name(state), r.label, r.seed,
                                 r.experiment.trainer.name, r.experiment.data.name,
                                 counted(r.experiment.loop.epochs, "epoch"), r.folder.root.string());
      if (r.seed != sweep.runs.front().seed) continue;
      for (const std::string& note : r.experiment.notes) session.out << "  note: " << note << "\n";
      for (const std::string& hardly_meant : r.experiment.warnings)
        session.err << "warning: " << r.label << ": " << hardly_meant << "\n";
    }
    session.out << counted(static_cast<int64_t>(sweep.runs.size()), "run") << ":";
    for (const auto& [state, count] : counts) session.out << " " << count << " " << name(state);
    session.out << "\n";
  }

  static void write(Session& session, const SeedTable& table, const fs::path& folder) {
    write_text((folder / "table.md").string(), table_markdown(table));
    write_text((folder / "table.csv").string(), table_csv(table));
    write_text((folder / "table.tex").string(), table_latex(table));
    write_text((folder / "table.json").string(), json_text(table_json(table)));
    print(session, table);
    session.out << "table: " << (folder / "table.md").string() << ", .csv, .tex, .json\n";
  }
};

}  // namespace

TEMPER_REGISTER(Subcommand, SweepCommand, "sweep", "run a table of experiments over seeds: means and spreads");

}  // namespace temper
