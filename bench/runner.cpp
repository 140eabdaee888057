#include "bench/runner.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iostream>
#include <regex>
#include <set>

#include "bench/gpu_state.h"
#include "bench/machine.h"
#include "core/environment/environment.h"
#include "core/text.h"
#include "kernels/runtime/memory.h"
#include "kernels/runtime/range.h"

namespace temper::bench {

namespace {

constexpr double kServedSample = 0.5e-3;
// The arena for a suite's own work; steps and attacks have their own engines.
constexpr int64_t kArenaMb = 1024;

std::regex pattern_of(const std::string& text) {
  try {
    return std::regex(text);
  } catch (const std::regex_error&) {
    fail("--filter: expected a regular expression, got '", text, "'");
  }
}

/// A result in half a line.
std::string outcome(const Result& r) {
  if (!r.failed.empty()) return "failed: " + r.failed;
  const Timing& t = r.main();
  const std::string note = r.extra.value("note", "");
  return fmt::format("{:.4g} ms, noise: {}{}{}", t.median() * 1e3, noise_text(t), note.empty() ? "" : "; ", note);
}

}  // namespace

Runner::Runner(const RunOptions& options)
    : options_(options),
      busy_(options.busy),
      engine_({.device = options.device, .threads = options.threads, .arena_mb = kArenaMb}),
      suite_(Registry<Suite>::instance().make(options.suite)) {
  SuiteContext context{.engine = engine_,
                       .axes = choose(suite_->axes(), options.axes),
                       .set = options.set,
                       .all = options.all,
                       .detail = options.detail};
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

void Runner::time(const BenchCase& c, const Peaks& peaks, Result& r) {
  const Work work = c.prepare();
  if (!flush_ && needs_flush(work.runs)) flush_.emplace(work.runs.stream);
  int64_t count = 0;
  Runs runs = work.runs;
  runs.run = [&](int set) {
    work.runs.run(set);
    // Every so often one more that does not count.
    const double due = options_.slow_down * static_cast<double>(++count);
    if (std::floor(due) > std::floor(due - options_.slow_down)) work.runs.run(set);
  };
  const auto timed = [&](Mode mode, const Runs& of) {
    return bench::measure(mode, options_.rule, flush_ ? &*flush_ : nullptr, of);
  };
  const GpuWatch watch(options_.device);
  for (const Mode mode : modes()) {
    const Busy others(busy_);
    r.times[name(mode)] = timed(mode, runs);
  }
  const Json gpu = watch.seen();
  if (work.unfused) {
    runs.run = work.unfused;
    r.times["unfused"] = timed(modes().front(), runs);
    r.unfused = work.unfused_name;
  }
  if (work.extra) r.extra = work.extra(peaks);
  if (!gpu.empty()) r.extra["gpu"] = gpu;
  if (!work.note.empty()) r.extra["note"] = work.note;
}

Result Runner::measure(const BenchCase& c, const Peaks& peaks) {
  Result r{.name = c.name, .axes = c.axes, .bytes = c.bytes, .flops = c.flops, .weight = c.weight};
  r.limit = limit_of(peaks, c.bytes, c.flops, c.math);
  try {
    time(c, peaks, r);
  } catch (const std::exception& e) {
    r.failed = e.what();
  }
  return r;
}

Report Runner::empty_report() const {
  Report report{.suite = options_.suite};
  report.environment = environment();
  const std::string commit = report.environment.value("commit", "");
  report.environment["dirty"] = commit.ends_with("-dirty");
  report.environment["device"] = name(options_.device);
  report.environment["threads"] = engine_.team().size();
  report.environment["busy"] = busy_.count();
  return report;
}

Report Runner::measure(std::ostream& log, const std::string& json) {
  Report report = empty_report();
  GrowingJson growing;
  const auto save = [&](const std::string& running) {
    if (!json.empty()) write_file(json, growing.text(report, running));
  };
  report.environment["before"] = machine_state(options_.device);
  std::set<std::string> maths;
  for (const BenchCase& c : cases_) maths.insert(c.math);
  const Peaks peaks = measure_peaks(engine_, maths);
  report.peaks = to_json(peaks);
  for (const BenchCase& c : cases_)
    if (c.announce) c.announce();
  for (const BenchCase& c : cases_) {
    save(c.name);
    const Result& r = report.results.emplace_back(measure(c, peaks));
    growing.add(r);
    save("");
    log << fmt::format("[{}/{}] {}: {}\n", report.results.size(), cases_.size(), c.name, outcome(r)) << std::flush;
  }
  report.environment["after"] = machine_state(options_.device);
  save("");
  return report;
}

void Runner::profile(const std::string& name) {
  const Work work = find(name).prepare();
  for (int i = hot_runs(work.runs, 1.0); i > 0; --i) {
    const PhaseRange range(work.runs.stream, "profiled");
    work.runs.run(0);
  }
  synchronize(work.runs.stream);
}

void Runner::serve(std::istream& in, std::ostream& out) {
  Work work;
  std::optional<Series> series;
  int64_t length = 0;  // runs of `series`
  const auto obey = [&](const std::string& line) -> std::string {
    const std::string argument = line.substr(std::min(line.size(), line.find(' ') + 1));
    if (line == "list") {
      std::string answer = std::to_string(cases_.size());
      for (const BenchCase& c : cases_) answer += "\n" + c.name;
      return answer;
    }
    if (line.rfind("case ", 0) == 0) {
      series.reset();
      work = {};
      work = find(argument).prepare();
      return cat("ready ", hot_runs(work.runs, kServedSample));
    }
    TEMPER_CHECK(line.rfind("run ", 0) == 0 && work.runs.run,
                 "expected list, case NAME, run K (after a case) or quit, got '", line, "'");
    const int64_t runs = std::stoll(argument);
    const auto more = static_cast<int64_t>(std::ceil(options_.slow_down * static_cast<double>(runs)));
    if (!series || length != runs) series.emplace(work.runs, static_cast<int>(runs + more), 1);
    length = runs;
    const Busy others(busy_);
    return fmt::format("{:.9g}", (*series)() * static_cast<double>(runs + more) / static_cast<double>(runs));
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
