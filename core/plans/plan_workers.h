#pragma once
// Worker processes that make plans, because NVRTC compiles only one program at a time within a process.
#include <iosfwd>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "core/plans/conv_engines.h"

namespace temper {

/// Worker processes that make plans. They are started as needed and end with this object. Each runs `program` with the
/// argument --serve-plans, on the same machine and device.
class PlanWorkers {
 public:
  /// `engines` outlives this object.
  PlanWorkers(std::string program, ConvEngines& engines);
  ~PlanWorkers();
  PlanWorkers(const PlanWorkers&) = delete;

  /// The result of engines.find(), computed by an idle worker, which searches and compiles; this process loads the
  /// plans from their text. If that fails, engines.find() is called here. Thread-safe: each concurrent call uses one
  /// worker.
  std::vector<std::unique_ptr<ConvPlan>> find(const ConvKey& key, const ConvSearch& search, PlanRefusals& refusals);

  /// The error of the first worker that failed; empty if none has.
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

/// The worker's side: answers every line of `in`, a request for the plans of a key, by a line of `out`.
void serve_plans(ConvEngines& engines, std::istream& in, std::ostream& out);

/// For main(). If the program was started as a worker, serves plans and returns the exit code. Otherwise returns
/// nothing, and plan_program() names the program from then on.
std::optional<int> serve_plans(int argc, char** argv);
/// The program of this process, if it can be started as a worker; else empty.
const std::string& plan_program();

}  // namespace temper
