#include <fmt/format.h>

#include <map>
#include <ostream>

#include "apps/progress.h"
#include "apps/subcommand.h"
#include "core/text.h"
#include "workflows/run_sweep.h"

namespace temper {

namespace {

namespace fs = std::filesystem;

const char* name(RunState state) {
  switch (state) {
    case RunState::absent: return "to train";
    case RunState::started: return "to continue";
    case RunState::complete: return "complete";
  }
  return "?";
}

std::string in_letters_of(const Terminal& terminal, std::string text) {
  if (terminal.unicode) return text;
  for (const auto& [letter, plain] : {std::pair<std::string, std::string>{"±", "+-"}, {"·", "*"}})
    for (size_t at = text.find(letter); at != std::string::npos; at = text.find(letter, at))
      text.replace(at, letter.size(), plain);
  return text;
}

void print_table(Session& session, const SeedTable& t) {
  size_t widest = 12;  // "  difference"
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
    for (const PublishedLines& line : published_lines(row)) {
      session.out << fmt::format("{:<{}}", "  " + line.label, widest);
      for (size_t c = 0; c < line.cells.size(); ++c) session.out << fmt::format("  {:>{}}", line.cells[c], width(c));
      session.out << "\n";
    }
  }
  session.out << in_letters_of(session.terminal, t.note) << "\n";
}

struct SweepCommand : Subcommand {
  std::string file, out;
  std::vector<std::string> overrides;
  bool dry_run = false, quiet = false;

  void declare(Arguments& app) override {
    app.take("file", file, "YAML file with `runs` and `seeds`; docs/sweeps.md explains it").required();
    app.take("--set", overrides, "key=value that overrides the file, such as seeds=[0]");
    app.take("--out", out, "folder of the runs and the table; without it: runs/NAME for NAME.yaml");
    app.flag("--dry-run", dry_run, "check the configurations and list the runs, train nothing");
    app.flag("--quiet", quiet, "print the table and errors only");
  }

  int run(Session& session) override {
    const fs::path folder = out.empty() ? fs::path("runs") / fs::path(file).stem() : fs::path(out);
    Sweep sweep = read_sweep(file, overrides, folder);
    if (dry_run) {
      list(session, sweep);
      return kExitOk;
    }
    ConsoleObserver observer(session.out, session.err, session.terminal, quiet ? Verbosity::quiet : Verbosity::normal);
    const SweepResult made =
        run_sweep(sweep, observer, shown_by(session, observer, sweep.runs.size()), session.program);
    if (made.table) print(session, *made.table, folder);
    if (made.interrupted) {
      observer.line("interrupted; continue with: " + this_command(session));
      return kExitInterrupted;
    }
    if (made.failed == 0) return kExitOk;
    session.err << "temper: error: " << made.failed << " of " << sweep.runs.size()
                << " runs failed, for the reasons above; the same command tries them again" << std::endl;
    return kExitError;
  }

  static SweepProgress shown_by(Session& session, ConsoleObserver& observer, size_t runs) {
    return {.on_run =
                [&, runs](const SweepRun& run, size_t number, RunState found) {
                  observer.line(ink(session.terminal, Ink::bold,
                                    fmt::format("[{}/{}] {}, seed {}", number, runs, run.label, run.seed)) +
                                (found == RunState::absent ? "" : fmt::format(": {}", name(found))));
                },
            .on_failure =
                [&](const SweepRun& run, const Error& error) {
                  observer.clear();
                  session.err << "temper: error: " << run.label << ", seed " << run.seed << ": " << error.what()
                              << std::endl;
                }};
  }

  static void list(Session& session, const Sweep& sweep) {
    std::map<RunState, int> counts;
    for (const SweepRun& r : sweep.runs) {
      const RunState state = run_state(r.experiment, r.folder);
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

  static void print(Session& session, const SeedTable& table, const fs::path& folder) {
    print_table(session, table);
    for (const std::string& caveat : table.caveats)
      session.err << ink(session.terminal, Ink::orange, "warning: ") << caveat << std::endl;
    session.out << "table: " << (folder / "table.md").string() << ", .csv, .tex, .json\n";
  }
};

}  // namespace

TEMPER_REGISTER(Subcommand, SweepCommand, "sweep", "run a table of experiments over seeds: means and spreads");

}  // namespace temper
