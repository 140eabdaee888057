#pragma once
#include <iosfwd>
#include <optional>
#include <string>
#include <vector>

#include "bench/busy.h"
#include "bench/suite.h"

namespace temper::bench {

/// The options of a suite's command line.
struct RunOptions {
  std::string suite, filter;
  std::vector<std::string> axes, set, modes;
  StopRule rule;
  Device device = Device::cpu;
  int threads = 0;
  bool all = false;
  Detail detail = Detail::full;
  int busy = 0;          ///< other processes that use a CPU each while something is timed
  double slow_down = 0;  ///< share of runs in a sample that are run but not counted: an artificial regression
};

/// A suite and its cases, prepared for running.
class Runner {
 public:
  explicit Runner(const RunOptions& options);

  const std::vector<BenchCase>& cases() const { return cases_; }
  const BenchCase& find(const std::string& name) const;
  /// Measures every case and logs a line for each. An exception ends a case, not the suite; its text is part of the
  /// case's result. Before and after each case the report so far is written to `json` (empty: not written).
  Report measure(std::ostream& log, const std::string& json = "");
  /// Checks the result of one case, then runs it repeatedly for about a second, for a profiler.
  void profile(const std::string& name);
  /// Takes one sample at a time, on request of a process that measures two programs in turn. Every line that is read is
  /// answered with one line:
  ///   list -> "N", then N names;   case NAME -> "ready RUNS", where RUNS runs take `sample_seconds`;
  ///   run K -> seconds per run over K runs;   quit.
  /// The answer to an invalid line is "error TEXT".
  void serve(std::istream& in, std::ostream& out);
  const Suite& suite() const { return *suite_; }
  /// A report without results: what both sides of a comparison must have in common.
  Report empty_report() const;

 private:
  Result measure(const BenchCase& c, const Peaks& peaks);
  void time(const BenchCase& c, const Peaks& peaks, Result& r);
  std::vector<Mode> modes() const;

  RunOptions options_;
  BusyProcesses busy_;
  Engine engine_;
  std::unique_ptr<Suite> suite_;
  std::vector<BenchCase> cases_;
  std::optional<CacheFlush> flush_;
};

}  // namespace temper::bench
