#pragma once
#include <iosfwd>
#include <optional>
#include <string>
#include <vector>

#include "bench/busy.h"
#include "bench/suite.h"

namespace temper::bench {

/// What the command line of a suite says.
struct RunOptions {
  std::string suite, filter;
  std::vector<std::string> axes, set, modes;
  StopRule rule;
  Device device = Device::cpu;
  int threads = 0;
  bool all = false;
  Detail detail = Detail::full;
  int busy = 0;          ///< other processes that use a CPU each while something is timed
  double slow_down = 0;  ///< share of runs in a sample that are done and not counted: a planted regression
};

/// A suite with its cases, ready to be run.
class Runner {
 public:
  explicit Runner(const RunOptions& options);

  const std::vector<BenchCase>& cases() const { return cases_; }
  const BenchCase& find(const std::string& name) const;
  /// Measures every case; a line per case goes to `log` as it is done. What a case throws stands in its result, and the
  /// next one follows. The report so far is written to `json` (empty: nowhere) before and after each case.
  Report measure(std::ostream& log, const std::string& json = "");
  /// Runs one case over and over for about a second, its result checked, for a profiler to look at.
  void profile(const std::string& name);
  /// One sample at a time, for whoever measures two programs in turn. Reads lines, answers each with one:
  ///   list -> "N", then N names;   case NAME -> "ready RUNS", RUNS being what lasts `sample_seconds`;
  ///   run K -> seconds per run over K runs;   quit.
  /// A line that cannot be obeyed is answered with "error TEXT".
  void serve(std::istream& in, std::ostream& out);
  const Suite& suite() const { return *suite_; }
  /// What both sides of a comparison have to share.
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
