#pragma once
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "bench/measure.h"
#include "bench/peaks.h"

namespace temper::bench {

using Axes = std::map<std::string, std::string>;
using Json = nlohmann::ordered_json;

/// What was measured of one case.
struct Result {
  std::string name;
  Axes axes;
  double bytes = 0, flops = 0;          ///< of one run; 0: not stated
  double weight = 0;                    ///< how often a network runs it; 0: not part of a network
  std::map<std::string, Timing> times;  ///< "cold", "hot", "unfused"
  std::string unfused;                  ///< what "unfused" ran
  std::string failed;                   ///< why there is no time, or none for all of it; empty: it was measured
  Limit limit;
  Json extra = Json::object();  ///< what else the suite tells

  /// The time that rates and the share of the peak are about: cold where measured, as training finds its data. Only of
  /// a result that has not failed.
  const Timing& main() const;
};

/// One run of the program.
struct Report {
  std::string suite, session;  ///< samples of two reports of one session were taken in turn, pair by pair
  Json environment = Json::object(), peaks = Json::object();
  std::vector<Result> results;
};

/// "0.3 %"; of one sample nothing is known: "one sample".
std::string noise_text(const Timing& timing);
/// The names of what failed.
std::vector<std::string> failures(const Report& report);

Json to_json(const Report& report);
/// Throws Error, naming `where`, if this is no report.
Report report_from_json(const Json& j, const std::string& where);
Report read_report(const std::string& file);
/// At any moment, and after a kill, a reader finds either the old file or the new one.
void write_file(const std::string& file, const std::string& text);

/// The JSON of a report whose results come one by one. What has been added is not looked at again.
class GrowingJson {
 public:
  void add(const Result& result);
  /// With `running`, a result more: that the program ended in the middle of it.
  std::string text(const Report& head, const std::string& running = "") const;

 private:
  std::vector<std::string> results_;
};

/// A column per quantity, a line per case.
std::string to_csv(const Report& report);
std::string to_markdown(const Report& report);
/// The same table for a terminal.
std::string to_text(const Report& report);

}  // namespace temper::bench
