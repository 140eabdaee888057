#pragma once
// A suite is what temper-bench measures: one file that registers itself.
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "bench/result.h"
#include "core/engine.h"
#include "core/registry.h"

namespace temper::bench {

/// A property in which cases differ, with the values that are measured by default.
struct Axis {
  std::string name;
  std::vector<std::string> values;
  std::vector<std::string> known;  ///< the values that can be requested, together as `all`; empty: any value can
};
/// How much is reported in addition to the times.
enum class Detail : uint8_t { full, brief };
/// The values to measure, for every axis of the suite.
using Choice = std::map<std::string, std::vector<std::string>>;

/// A case whose memory is allocated and whose result has been checked.
struct Work {
  Runs runs;
  std::function<void(int)> unfused = {};  ///< the same result by unfused steps or by a library; empty: not measured
  std::string unfused_name = {};
  std::string note = {};  ///< a remark for the report
  /// Called after the timing, when `run` is no longer needed. Throws if what was timed was wrong.
  std::function<Json(const Peaks&)> extra = {};
};

struct BenchCase {
  std::string name;
  Axes axes;
  std::string math = "f32";  ///< the math whose peak it is compared with: f32, tf32, bf16, f16; others have no peak
  double bytes = 0, flops = 0, weight = 0;
  /// Throws Error if the result differs from the reference.
  std::function<Work()> prepare;
  /// Called for all cases that will be measured, before the first of them is prepared. May be empty.
  std::function<void()> announce = {};
};

struct SuiteContext {
  Engine& engine;
  Choice axes;
  std::vector<std::string> set;  ///< --set key=value
  bool all = false;              ///< include sizes that are only for tests
  Detail detail = Detail::full;
};

class Suite {
 public:
  virtual ~Suite() = default;
  virtual std::vector<Axis> axes() const = 0;
  virtual std::vector<BenchCase> cases(SuiteContext& context) const = 0;
  /// How a case is timed unless the command line says otherwise.
  virtual std::vector<Mode> modes() const { return {Mode::cold, Mode::hot}; }
  virtual StopRule rule() const { return {}; }
  /// Further tables for the report.
  virtual std::string summary(const Report&) const { return ""; }
};

/// A suite whose cases run a whole network many times: so long that caches need no flushing and few samples suffice.
class NetworkSuite : public Suite {
 public:
  std::vector<Mode> modes() const override { return {Mode::hot}; }
  StopRule rule() const override { return {.max_noise = 0.02, .min_time = 1, .timeout = 30, .min_samples = 3}; }
};

/// The defaults of `axes`, replaced by the requested values ("name=value,value"). Throws Error naming axis, value and
/// the known values.
Choice choose(const std::vector<Axis>& axes, const std::vector<std::string>& asked);

}  // namespace temper::bench
