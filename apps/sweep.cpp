#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>
#include <ostream>

#include "apps/subcommand.h"
#include "trainers/state/resume.h"
#include "workflows/data_prints.h"
#include "workflows/report/seed_table.h"
#include "workflows/run_experiment.h"
#include "workflows/sweep_check.h"
#include "workflows/sweep_file.h"

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
  std::vector<MethodRuns> methods;
  for (const std::string& label : sweep.labels) {
    MethodRuns& method = methods.emplace_back(MethodRuns{label, {}});
    for (const SweepRun& run : sweep.runs) {
      if (run.label != label) continue;
      const bool tested = run.state() == SweepRun::State::complete;
      method.runs.push_back(tested ? std::optional(read_run(run.folder.root)) : std::nullopt);
      if (methods.size() == 1) seeds.push_back(run.seed);
    }
  }
  return seed_table(sweep.title, seeds, methods);
}

std::string in_letters_of(const Terminal& terminal, std::string text) {
  if (terminal.unicode) return text;
  for (const auto& [letter, plain] : {std::pair<std::string, std::string>{"±", "+-"}, {"·", "*"}})
    for (size_t at = text.find(letter); at != std::string::npos; at = text.find(letter, at))
      text.replace(at, letter.size(), plain);
  return text;
}

void print(Session& session, const SeedTable& t) {
  size_t widest = 6;
  for (const SeedTable::Row& row : t.rows) widest = std::max(widest, row.label.size());
  const std::string between = session.terminal.unicode ? " ± " : " +- ";
  std::string head = fmt::format("{:<{}}", "method", widest);
  const auto width = [&](size_t column) { return std::max<size_t>(14, t.columns[column].heading.size()); };
  for (size_t c = 0; c < t.columns.size(); ++c) head += fmt::format("  {:>{}}", t.columns[c].heading, width(c));
  session.out << ink(session.terminal, Ink::bold, head) << "\n";
  for (const SeedTable::Row& row : t.rows) {
    session.out << fmt::format("{:<{}}", row.label, widest);
    for (size_t c = 0; c < t.columns.size(); ++c)
      session.out << fmt::format("  {:>{}}", cell_text(spread_of(row.values[c]), between), width(c));
    session.out << "\n";
  }
  session.out << in_letters_of(session.terminal, t.note) << "\n";
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
    check_begun_runs(sweep);
    ConsoleObserver observer(session.out, session.err, session.terminal, quiet ? Verbosity::quiet : Verbosity::normal);
    check_sweep(sweep, folder, observer);
    int failed = 0;
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
      try {
        ReadyRun run(r.experiment, r.folder, resume);
        const TrainResult trained = run_training(r.experiment, std::move(run.data), run.lock, observer, resume);
        if (test_trained(r.experiment, run.lock, trained, observer, session.program)) continue;
      } catch (const Error& e) {
        // The other runs do not depend on this one, and the table says that it is missing.
        observer.clear();
        session.err << "temper: error: " << r.label << ", seed " << r.seed << ": " << e.what() << std::endl;
        ++failed;
        continue;
      }
      observer.line("interrupted; continue with: " + this_command(session));
      return kExitInterrupted;
    }
    if (failed < static_cast<int>(sweep.runs.size())) write(session, table_of(sweep), folder);
    if (failed == 0) return kExitOk;
    session.err << "temper: error: " << failed << " of " << sweep.runs.size()
                << " runs failed, for the reasons above; the same command tries them again" << std::endl;
    return kExitError;
  }

  // What is found in the folders has to be what the sweep asks for, before anything is trained.
  static void check_begun_runs(const Sweep& sweep) {
    DataPrints data;
    for (const SweepRun& r : sweep.runs) {
      const SweepRun::State state = r.state();
      if (state == SweepRun::State::started) check_same_run(r.folder, r.experiment);
      if (state != SweepRun::State::absent) data.check(r.experiment, r.folder);
    }
  }

  static void list(Session& session, const Sweep& sweep) {
    std::map<SweepRun::State, int> counts;
    for (const SweepRun& r : sweep.runs) {
      const SweepRun::State state = r.state();
      ++counts[state];
      session.out << fmt::format("{:<12} {}, seed {}: {} on {}, {}, in {}\n", name(state), r.label, r.seed,
                                 r.experiment.trainer.name, r.experiment.data.name,
                                 counted(r.experiment.loop.epochs, "epoch"), r.folder.root.string());
      if (r.seed == sweep.runs.front().seed)
        for (const std::string& hardly_meant : r.experiment.warnings)
          session.out << "  warning: " << hardly_meant << "\n";
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
    for (const std::string& caveat : table.caveats)
      session.err << ink(session.terminal, Ink::orange, "warning: ") << caveat << std::endl;
    session.out << "table: " << (folder / "table.md").string() << ", .csv, .tex, .json\n";
  }
};

}  // namespace

TEMPER_REGISTER(Subcommand, SweepCommand, "sweep", "run a table of experiments over seeds: means and spreads");

}  // namespace temper
