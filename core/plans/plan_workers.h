#pragma once
// Plans made in processes of their own: NVRTC compiles one program at a time within a process.
#include <iosfwd>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "core/plans/conv_engines.h"

namespace temper {

/// Processes that make plans, started as they are needed and ended with this object. Each is `program` with the
/// argument
/// --serve-plans, on the same machine and device.
class PlanWorkers {
 public:
  /// `engines` outlives this object.
  PlanWorkers(std::string program, ConvEngines& engines);
  ~PlanWorkers();
  PlanWorkers(const PlanWorkers&) = delete;

  /// What engines.find() would give. A process that is not busy searches and compiles, and this one loads the result
  /// from its text; where that fails, engines.find() does it. May be called from several threads at once: as many
  /// processes are started.
  std::vector<std::unique_ptr<ConvPlan>> find(const ConvKey& key, const ConvSearch& search, PlanRefusals& refusals);

  /// Why the first process that failed did; empty: none did.
  const std::string& failure() const { return failure_; }

 private:
  class Worker;
  std::unique_ptr<Worker> take();

  std::string program_;
  ConvEngines& engines_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Worker>> idle_;
  std::string failure_;
};

/// The other side: answers a line of `in`, which asks for a key's plans, by a line of `out`, until there are no more.
void serve_plans(ConvEngines& engines, std::istream& in, std::ostream& out);

/// For main(): the exit code, after everything was done, if the program was started to make plans; none otherwise, and
/// plan_program() names it from then on.
std::optional<int> serve_plans(int argc, char** argv);
/// The program of this process, if it can be started to make plans; else empty.
const std::string& plan_program();

}  // namespace temper
