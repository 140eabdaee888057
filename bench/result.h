#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "bench/measure.h"
#include "bench/peaks.h"
#include "core/files/json.h"

namespace temper::bench {

using Axes = std::map<std::string, std::string>;
using Json = nlohmann::ordered_json;

/// The measurement of one case.
struct Result {
  std::string name;
  Axes axes;
  double bytes = 0, flops = 0;          ///< of one run; 0: unknown
  double weight = 0;                    ///< how often a network runs it; 0: not part of a network
  std::map<std::string, Timing> times;  ///< "cold", "hot", "unfused"
  std::string unfused;                  ///< what "unfused" is
  std::string failed;                   ///< why times are missing; empty: none is
  Limit limit;
  Json extra = Json::object();  ///< further values of the suite

  /// The time from which rates and the share of the peak are computed: cold if measured, because training finds its
  /// data in memory. Requires that `failed` is empty.
  const Timing& main() const;
};

/// One run of the program.
struct Report {
  std::string suite, session;  ///< samples of two reports of one session were taken in turn, pair by pair
  Json environment = Json::object(), peaks = Json::object();
  std::vector<Result> results;
};

/// The noise as text, such as "0.3 %"; "one sample" if there is only one.
std::string noise_text(const Timing& timing);
/// The names of the cases that failed.
std::vector<std::string> failures(const Report& report);

Json to_json(const Report& report);
/// Throws Error, naming `where`, if `j` is no report.
Report report_from_json(const Json& j, const std::string& where);
Report read_report(const std::string& file);
/// Replaces a file atomically: at any moment, and after a kill, a reader finds either the old file or the new one.
void write_file(const std::string& file, const std::string& text);

/// The JSON of a report whose results arrive one by one. A result is converted once, when it is added.
class GrowingJson {
 public:
  void add(const Result& result);
  /// With `running`, one more result, which says that the program ended during that case.
  std::string text(const Report& head, const std::string& running = "") const;

 private:
  std::vector<std::string> results_;
};

/// A table with a column per quantity and a line per case.
std::string to_csv(const Report& report);
std::string to_markdown(const Report& report);
/// The same table for a terminal.
std::string to_text(const Report& report);

}  // namespace temper::bench
