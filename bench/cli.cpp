#include "bench/cli.h"

#include <CLI/CLI.hpp>
#include <csignal>
#include <ostream>

#include "bench/pair.h"
#include "bench/runner.h"
#include "core/text.h"
#include "kernels/runtime/memory.h"

namespace temper::bench {

namespace {

/// What becomes of a report.
struct OutputOptions {
  std::string json, csv, md;
};

void write(const Report& report, const OutputOptions& o) {
  if (!o.json.empty()) write_file(o.json, to_json(report).dump(1) + "\n");
  if (!o.csv.empty()) write_file(o.csv, to_csv(report));
  if (!o.md.empty()) write_file(o.md, to_markdown(report));
}

struct SuiteCommand {
  RunOptions run;
  OutputOptions output;
  bool list = false, serve = false;
  std::string profile;
  double noise_percent = 0;

  void declare(CLI::App& app, const std::string& name) {
    run.suite = name;
    run.device = cuda_available() ? Device::cuda : Device::cpu;
    run.rule = Registry<Suite>::instance().make(name)->rule();
    noise_percent = 100 * run.rule.max_noise;
    const auto words = [&](const char* option, std::vector<std::string>& into, const char* doc) {
      return app.add_option(option, into, doc)->expected(1)->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    };
    app.add_flag("--list", list, "print axes and cases, measure nothing");
    app.add_option("--filter", run.filter, "regular expression: only cases whose name it matches");
    words("--axis", run.axes, "name=value,value: measure these values of an axis");
    words("--set", run.set, "key=value of the configuration, where the suite has one");
    words("--mode", run.modes, "cold (caches flushed before every run) or hot; both may be given")
        ->check(CLI::IsMember({"cold", "hot"}));
    app.add_flag("--all", run.all, "test sizes, too");
    app.add_option("--profile", profile, "run one case for a second, unmeasured, under a profiler");
    app.add_option("--json", output.json, "write everything here");
    app.add_option("--csv", output.csv, "write a table here");
    app.add_option("--md", output.md, "write a Markdown table here");
    app.add_option("--device", run.device, "cpu or cuda")
        ->transform(
            CLI::CheckedTransformer(std::map<std::string, Device>{{"cpu", Device::cpu}, {"cuda", Device::cuda}}));
    app.add_option("--threads", run.threads, "CPU threads; 0: all")->check(CLI::NonNegativeNumber);
    app.add_option("--max-noise", noise_percent,
                   "percent that the 95 % interval of the median may reach to either side")
        ->capture_default_str()
        ->check(CLI::PositiveNumber);
    app.add_option("--min-time", run.rule.min_time, "least seconds of samples")->capture_default_str();
    app.add_option("--min-samples", run.rule.min_samples, "least samples")
        ->capture_default_str()
        ->check(CLI::PositiveNumber);
    app.add_option("--timeout", run.rule.timeout, "seconds after which noise is accepted")->capture_default_str();
    app.add_flag("--serve", serve, "take orders from standard input: what `compare --pair` starts");
    app.add_option("--slow-down", run.slow_down, "do this share of the runs twice: a regression for compare to find")
        ->check(CLI::Range(0.0, 10.0));
  }

  int operator()(std::istream& in, std::ostream& out, std::ostream& err) {
    run.rule.max_noise = noise_percent / 100;
    Runner runner(run);
    if (serve) {
      runner.serve(in, out);
      return kExitOk;
    }
    if (!profile.empty()) {
      runner.profile(profile);
      return kExitOk;
    }
    if (list) {
      for (const Axis& a : runner.suite().axes())
        out << "axis " << a.name << ": " << join(a.values) << (a.known.empty() ? ", ..." : "") << "\n";
      for (const BenchCase& c : runner.cases()) out << c.name << "\n";
      return kExitOk;
    }
    const Report report = runner.measure(err);
    write(report, output);
    out << to_text(report) << runner.suite().summary(report);
    return kExitOk;
  }
};

struct CompareCommand {
  std::vector<std::string> files;
  PairOptions pair;
  std::string json_base, json_new;

  void declare(CLI::App& app) {
    app.add_option("reports", files, "base.json new.json; with --pair: suite and options of both programs, after --");
    app.add_option("--pair", pair.base, "measure this temper-bench ...")
        ->needs(app.add_option("--with", pair.now, "... and this one in turn, sample by sample"));
    app.add_option("--min-effect", pair.compare.min_effect, "the least change of the time that matters")
        ->capture_default_str()
        ->check(CLI::PositiveNumber);
    app.add_option("--confidence", pair.compare.confidence, "of the interval of the ratio")
        ->capture_default_str()
        ->check(CLI::Range(0.5, 0.999999));
    app.add_flag("--any-machine", pair.compare.any_machine, "compare reports of different machines, too");
    app.add_option("--timeout", pair.timeout, "seconds per case over all starts, with --pair")->capture_default_str();
    app.add_option("--restarts", pair.restarts, "how often both programs start at most, with --pair")
        ->capture_default_str()
        ->check(CLI::PositiveNumber);
    app.add_option("--json-base", json_base, "write the first program's report here");
    app.add_option("--json-new", json_new, "write the second program's report here");
  }

  int operator()(std::ostream& out, std::ostream& err) {
    PairReports reports;
    if (!pair.base.empty()) {
      pair.arguments = files;
      reports = measure_pair(pair, err);
      write(reports.base, {.json = json_base});
      write(reports.now, {.json = json_new});
    } else {
      TEMPER_CHECK(files.size() == 2, "compare: expected two reports, got ", files.size());
      reports = {read_report(files[0]), read_report(files[1])};
    }
    const std::vector<Comparison> all = compare(reports.base, reports.now, pair.compare);
    out << to_text(all);
    const bool worse = std::any_of(all.begin(), all.end(), [](const auto& c) { return c.verdict == Verdict::slower; });
    return worse ? kExitWorse : kExitOk;
  }
};

}  // namespace

int run_bench(const std::vector<std::string>& args, std::istream& in, std::ostream& out, std::ostream& err) {
  std::signal(SIGPIPE, SIG_IGN);  // a program that has gone shows as one that does not answer
  CLI::App app("Measures Temper: kernels, convolutions, attacks, whole training steps; compares what was measured.");
  app.name("temper-bench");
  app.require_subcommand(1);
  std::map<CLI::App*, SuiteCommand> suites;
  for (const auto& [name, entry] : Registry<Suite>::instance().all()) {
    CLI::App* sub = app.add_subcommand(name, entry.doc);
    suites[sub].declare(*sub, name);
  }
  CompareCommand comparison;
  CLI::App* compare_app =
      app.add_subcommand("compare", "which cases of new.json are slower or faster than in base.json");
  compare_app->footer("Exit codes: 0 nothing is slower; 1 something is; 2 unusable input.");
  comparison.declare(*compare_app);
  try {
    app.parse(std::vector<std::string>(args.rbegin(), args.rend()));
  } catch (const CLI::CallForHelp&) {
    const auto chosen = app.get_subcommands();
    out << (chosen.empty() ? &app : chosen.front())->help();
    return kExitOk;
  } catch (const CLI::ParseError& e) {
    err << "temper-bench: error: " << e.what() << "; see temper-bench --help\n";
    return kExitUnusable;
  }
  const bool comparing = compare_app->parsed();
  try {
    if (comparing) return comparison(out, err);
    return suites.at(app.get_subcommands().front())(in, out, err);
  } catch (const std::exception& e) {
    err << "temper-bench: error: " << e.what() << "\n";
    return comparing ? kExitUnusable : kExitWorse;
  }
}

}  // namespace temper::bench
