#pragma once
// What temper-bench can measure: a suite is one file that registers itself, like everything else here.
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "bench/result.h"
#include "core/engine.h"
#include "core/registry.h"

namespace temper::bench {

/// Something cases differ in, with the values that are measured by default.
struct Axis {
  std::string name;
  std::vector<std::string> values;
  std::vector<std::string> known;  ///< what else may be asked for; empty: anything
};
/// How much is told beside the times.
enum class Detail : uint8_t { full, brief };
/// The values that are to be measured, for every axis of the suite.
using Choice = std::map<std::string, std::vector<std::string>>;

/// A case whose memory is there and whose result was right.
struct Work {
  Runs runs;
  std::function<void(int)> unfused = {};  ///< the same result by more general parts or by a library; none: not measured
  std::string unfused_name = {};
  std::string note = {};  ///< what there is to say of it
  /// Called after the timing, when `run` is no longer needed; may throw: what was timed was not right then.
  std::function<Json(const Peaks&)> extra = {};
};

struct BenchCase {
  std::string name;
  Axes axes;
  std::string math = "f32";  ///< whose peak it is held against: f32, tf32, bf16, f16; others have none
  double bytes = 0, flops = 0, weight = 0;
  /// Throws Error if the result is not what the reference says.
  std::function<Work()> prepare;
  /// Called for all cases that will be measured, before the first of them is prepared; none: nobody needs to know.
  std::function<void()> announce = {};
};

struct SuiteContext {
  Engine& engine;
  Choice axes;
  std::vector<std::string> set;  ///< --set key=value
  bool all = false;              ///< sizes that only tests care about, too
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
  /// Further tables about what was measured.
  virtual std::string summary(const Report&) const { return ""; }
};

/// Cases that run a whole network many times over: so long that caches need no flushing, and few samples do.
class NetworkSuite : public Suite {
 public:
  std::vector<Mode> modes() const override { return {Mode::hot}; }
  StopRule rule() const override { return {.max_noise = 0.02, .min_time = 1, .timeout = 30, .min_samples = 3}; }
};

/// The defaults of `axes` with what was asked for ("name=value,value") in their place. Throws Error naming axis, value
/// and what is known.
Choice choose(const std::vector<Axis>& axes, const std::vector<std::string>& asked);

}  // namespace temper::bench
