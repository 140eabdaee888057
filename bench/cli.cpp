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

/// A check whose mistakes are told, and of which --help says nothing: the option's text does.
CLI::Validator plain(CLI::Validator check) { return check.description(""); }

void list_axes(const Suite& suite, std::ostream& out) {
  for (const Axis& a : suite.axes())
    out << "axis " << a.name << ": " << join(a.values) << (a.known.empty() ? ", ..." : "") << "\n";
}

void write_json(const Report& report, const std::string& file) {
  if (!file.empty()) write_file(file, to_json(report).dump(1) + "\n");
}

struct SuiteCommand {
  RunOptions run;
  std::string json, csv, md;
  bool list = false, serve = false, brief = false;
  std::string profile;
  double noise_percent = 0;

  void declare(CLI::App& app, const std::string& name) {
    run.suite = name;
    run.device = cuda_available() ? Device::cuda : Device::cpu;
    run.rule = Registry<Suite>::instance().make(name)->rule();
    noise_percent = 100 * run.rule.max_noise;
    const auto words = [&](const char* option, std::vector<std::string>& into, const char* type, const char* doc) {
      return app.add_option(option, into, doc)
          ->expected(1)
          ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
          ->type_name(type);
    };
    const auto file = [&](const char* option, std::string& into, const char* doc) {
      app.add_option(option, into, doc)->type_name("FILE");
    };
    app.add_flag("--list", list, "print axes and cases, measure nothing");
    app.add_option("--filter", run.filter, "only cases whose name this regular expression matches")->type_name("REGEX");
    words("--axis", run.axes, "NAME=VALUE,VALUE", "measure these values of an axis; may be given again");
    words("--set", run.set, "KEY=VALUE", "a key of the configuration, where the suite has one; may be given again");
    words("--mode", run.modes, "cold|hot", "cold: no run finds its data in a cache; both may be given")
        ->check(CLI::IsMember({"cold", "hot"}).description(""));
    app.add_flag("--all", run.all, "test sizes, too");
    app.add_flag("--brief", brief, "leave out where the time goes (step), for which the case runs once more");
    app.add_option("--profile", profile, "run one case for a second, unmeasured, under a profiler")->type_name("CASE");
    file("--json", json, "write everything here, after every case");
    file("--csv", csv, "write a table here");
    file("--md", md, "write a Markdown table here");
    app.add_option("--device", run.device, "where to run (cuda where a GPU answers)")
        ->transform(CLI::CheckedTransformer(std::map<std::string, Device>{{"cpu", Device::cpu}, {"cuda", Device::cuda}})
                        .description(""))
        ->type_name("cpu|cuda");
    app.add_option("--threads", run.threads, "CPU threads; 0: all")
        ->check(plain(CLI::NonNegativeNumber))
        ->type_name("N");
    app.add_option("--busy", run.busy, "other processes that use a CPU each while a case is timed")
        ->check(plain(CLI::Range(0, 1000)))
        ->type_name("N");
    app.add_option("--max-noise", noise_percent,
                   "percent that the 95 % interval of the median may reach to either side")
        ->capture_default_str()
        ->check(plain(CLI::PositiveNumber))
        ->type_name("X");
    app.add_option("--min-time", run.rule.min_time, "least seconds of samples")->capture_default_str()->type_name("S");
    app.add_option("--min-samples", run.rule.min_samples, "least samples")
        ->capture_default_str()
        ->check(plain(CLI::PositiveNumber))
        ->type_name("N");
    app.add_option("--timeout", run.rule.timeout, "seconds after which noise is accepted")
        ->capture_default_str()
        ->type_name("S");
    app.add_flag("--serve", serve, "read commands from standard input, as `compare --pair` does");
    app.add_option("--slow-down", run.slow_down, "do this share of the runs twice: an artificial regression")
        ->check(plain(CLI::Range(0.0, 10.0)))
        ->type_name("X");
  }

  int operator()(std::istream& in, std::ostream& out, std::ostream& err) {
    run.rule.max_noise = noise_percent / 100;
    if (brief) run.detail = Detail::brief;
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
      list_axes(runner.suite(), out);
      for (const BenchCase& c : runner.cases()) out << c.name << "\n";
      return kExitOk;
    }
    const Report report = runner.measure(err, json);
    if (!csv.empty()) write_file(csv, to_csv(report));
    if (!md.empty()) write_file(md, to_markdown(report));
    out << to_text(report) << runner.suite().summary(report);
    const std::vector<std::string> failed = failures(report);
    if (failed.empty()) return kExitOk;
    err << "temper-bench: error: " << failed.size() << " of " << report.results.size()
        << " cases failed: " << join(failed) << "\n";
    return kExitWorse;
  }
};

struct CompareCommand {
  std::vector<std::string> files;
  PairOptions pair;
  std::string json_base, json_new;

  void declare(CLI::App& app) {
    app.add_option("reports", files, "base.json new.json; with --pair: suite and options of both programs, after --")
        ->type_name("");
    app.add_option("--pair", pair.base, "measure this temper-bench ...")
        ->needs(app.add_option("--with", pair.now, "... and this one in turn, sample by sample")->type_name("PROGRAM"))
        ->type_name("PROGRAM");
    app.add_option("--min-effect", pair.compare.min_effect, "the least change of the time that matters")
        ->capture_default_str()
        ->check(plain(CLI::PositiveNumber))
        ->type_name("X");
    app.add_option("--confidence", pair.compare.confidence, "of the interval of the ratio")
        ->capture_default_str()
        ->check(plain(CLI::Range(0.5, 0.999999)))
        ->type_name("X");
    app.add_flag("--any-machine", pair.compare.any_machine, "compare reports of different machines, too");
    app.add_option("--timeout", pair.timeout, "seconds per case over all starts, with --pair")
        ->capture_default_str()
        ->type_name("S");
    app.add_option("--restarts", pair.restarts, "the most starts of both programs, with --pair")
        ->capture_default_str()
        ->check(plain(CLI::PositiveNumber))
        ->type_name("N");
    app.add_option("--json-base", json_base, "write the first program's report here")->type_name("FILE");
    app.add_option("--json-new", json_new, "write the second program's report here")->type_name("FILE");
  }

  int operator()(std::ostream& out, std::ostream& err) {
    PairReports reports;
    if (!pair.base.empty()) {
      pair.arguments = files;
      reports = measure_pair(pair, err);
      write_json(reports.base, json_base);
      write_json(reports.now, json_new);
    } else {
      TEMPER_CHECK(files.size() == 2, "compare: expected two reports, got ", files.size());
      reports = {read_report(files[0]), read_report(files[1])};
    }
    const std::vector<Comparison> all = compare(reports.base, reports.now, pair.compare);
    out << to_text(all);
    const bool worse = std::any_of(all.begin(), all.end(), [](const auto& c) {
      return c.verdict == Verdict::slower || c.verdict == Verdict::failed;
    });
    return worse ? kExitWorse : kExitOk;
  }
};

}  // namespace

int run_bench(const std::vector<std::string>& args, std::istream& in, std::ostream& out, std::ostream& err) {
  std::signal(SIGPIPE, SIG_IGN);  // a program that has gone shows as one that does not answer
  CLI::App app("Measures Temper: kernels, convolutions, attacks, whole training steps; compares what was measured.");
  app.name("temper-bench");
  app.require_subcommand(0, 1);
  bool list = false;
  app.add_flag("--list", list, "print what can be measured; SUITE --list prints its cases, too");
  std::map<CLI::App*, SuiteCommand> suites;
  for (const auto& [name, entry] : Registry<Suite>::instance().all()) {
    CLI::App* sub = app.add_subcommand(name, entry.doc);
    suites[sub].declare(*sub, name);
  }
  CompareCommand comparison;
  CLI::App* compare_app =
      app.add_subcommand("compare", "which cases of new.json are slower or faster than in base.json");
  compare_app->footer("Exit codes: 0 nothing is slower; 1 something is, or fails now; 2 unusable input.");
  comparison.declare(*compare_app);
  try {
    app.parse(std::vector<std::string>(args.rbegin(), args.rend()));
  } catch (const CLI::CallForHelp&) {
    const auto chosen = app.get_subcommands();
    out << (chosen.empty() ? app.help() : chosen.front()->help("temper-bench"));
    return kExitOk;
  } catch (const CLI::ParseError& e) {
    err << "temper-bench: error: " << e.what() << "; see temper-bench --help\n";
    return kExitUnusable;
  }
  if (app.get_subcommands().empty()) {
    if (!list) {
      err << "temper-bench: error: expected one of " << join(Registry<Suite>::instance().names())
          << " or compare; see temper-bench --help\n";
      return kExitUnusable;
    }
    for (const auto& [name, entry] : Registry<Suite>::instance().all()) {
      out << name << ": " << entry.doc << "\n";
      list_axes(*entry.make(), out);
    }
    return kExitOk;
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
