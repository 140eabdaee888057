#include "bench/runner.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iostream>
#include <regex>

#include "bench/machine.h"
#include "core/environment.h"
#include "core/text.h"
#include "kernels/runtime/memory.h"
#include "kernels/runtime/range.h"

namespace temper::bench {

namespace {

constexpr double kServedSample = 0.5e-3;

std::regex pattern_of(const std::string& text) {
  try {
    return std::regex(text);
  } catch (const std::regex_error&) {
    fail("--filter: expected a regular expression, got '", text, "'");
  }
}

}  // namespace

Runner::Runner(const RunOptions& options)
    : options_(options),
      engine_({.device = options.device, .threads = options.threads}),
      suite_(Registry<Suite>::instance().make(options.suite)) {
  SuiteContext context{
      .engine = engine_, .axes = choose(suite_->axes(), options.axes), .set = options.set, .all = options.all};
  const std::regex pattern = pattern_of(options.filter);
  cases_ = suite_->cases(context);
  std::erase_if(cases_, [&](const BenchCase& c) { return !std::regex_search(c.name, pattern); });
  TEMPER_CHECK(!cases_.empty(), "no case of ", options.suite, " matches; --list without --filter shows all");
}

const BenchCase& Runner::find(const std::string& name) const {
  std::vector<std::string> names;
  for (const BenchCase& c : cases_) {
    if (c.name == name) return c;
    names.push_back(c.name);
  }
  fail("there is no case '", name, "'", did_you_mean(name, names), "; --list shows all");
}

std::vector<Mode> Runner::modes() const {
  if (options_.modes.empty()) return suite_->modes();
  std::vector<Mode> modes;
  for (const std::string& m : options_.modes) modes.push_back(m == "cold" ? Mode::cold : Mode::hot);
  return modes;
}

Result Runner::measure(const BenchCase& c) {
  const Work work = c.prepare();
  Result r{.name = c.name, .axes = c.axes, .bytes = c.bytes, .flops = c.flops, .weight = c.weight};
  int64_t runs = 0;
  const auto run = [&] {
    work.run();
    // Every so often one more that does not count.
    const double due = options_.slow_down * static_cast<double>(++runs);
    if (std::floor(due) > std::floor(due - options_.slow_down)) work.run();
  };
  for (const Mode mode : modes()) {
    if (mode == Mode::cold && !flush_) flush_.emplace(engine_.stream());
    r.times[name(mode)] = bench::measure(engine_.stream(), mode, options_.rule, flush_ ? &*flush_ : nullptr, run);
  }
  if (work.unfused) {
    r.times["unfused"] =
        bench::measure(engine_.stream(), modes().front(), options_.rule, flush_ ? &*flush_ : nullptr, work.unfused);
    r.unfused = work.unfused_name;
  }
  if (work.extra) r.extra = work.extra();
  if (!work.note.empty()) r.extra["note"] = work.note;
  return r;
}

Report Runner::empty_report() const {
  Report report{.suite = options_.suite};
  report.environment = environment();
  const std::string commit = report.environment.value("commit", "");
  report.environment["dirty"] = commit.ends_with("-dirty");
  report.environment["device"] = name(options_.device);
  return report;
}

Report Runner::measure(std::ostream& log) {
  Report report = empty_report();
  report.environment["before"] = machine_state(options_.device);
  for (const BenchCase& c : cases_) {
    report.results.push_back(measure(c));
    const Timing& t = report.results.back().main();
    const std::string note = report.results.back().extra.value("note", "");
    log << fmt::format("[{}/{}] {}: {:.4g} ms, noise {:.1f} %{}{}\n", report.results.size(), cases_.size(), c.name,
                       t.median() * 1e3, 100 * t.noise(), note.empty() ? "" : "; ", note)
        << std::flush;
  }
  report.environment["after"] = machine_state(options_.device);
  std::vector<DType> types;
  for (const BenchCase& c : cases_) types.push_back(c.dtype);
  const Peaks peaks = measure_peaks(engine_, types);
  for (size_t i = 0; i < cases_.size(); ++i)
    report.results[i].limit = limit_of(peaks, cases_[i].bytes, cases_[i].flops, cases_[i].dtype);
  report.peaks = {{"copy_bytes_per_second", peaks.copy}, {"launch_seconds", peaks.launch}};
  for (const auto& [type, flops] : peaks.flops)
    report.peaks[type] = {{"flops_per_second", flops}, {"probe", peaks.by.at(type)}};
  return report;
}

void Runner::profile(const std::string& name) {
  const Work work = find(name).prepare();
  for (int i = hot_runs(engine_.stream(), work.run, 1.0); i > 0; --i) {
    const PhaseRange range(engine_.stream(), "profiled");
    work.run();
  }
  synchronize(engine_.stream());
}

void Runner::serve(std::istream& in, std::ostream& out) {
  Work work;
  StreamTimer timer(engine_.stream());
  const auto obey = [&](const std::string& line) -> std::string {
    const std::string argument = line.substr(std::min(line.size(), line.find(' ') + 1));
    if (line == "list") {
      std::string answer = std::to_string(cases_.size());
      for (const BenchCase& c : cases_) answer += "\n" + c.name;
      return answer;
    }
    if (line.rfind("case ", 0) == 0) {
      work = {};
      work = find(argument).prepare();
      return cat("ready ", hot_runs(engine_.stream(), work.run, kServedSample));
    }
    TEMPER_CHECK(line.rfind("run ", 0) == 0 && work.run,
                 "expected list, case NAME, run K (after a case) or quit, got '", line, "'");
    const int64_t runs = std::stoll(argument);
    timer.start();
    const auto more = static_cast<int64_t>(std::ceil(options_.slow_down * static_cast<double>(runs)));
    for (int64_t i = 0; i < runs + more; ++i) work.run();
    return fmt::format("{:.9g}", timer.stop() / static_cast<double>(runs));
  };
  for (std::string line; std::getline(in, line) && line != "quit";) {
    try {
      out << obey(line) << std::endl;
    } catch (const std::exception& e) {
      out << "error " << e.what() << std::endl;
    }
  }
}

}  // namespace temper::bench
