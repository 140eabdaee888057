#pragma once
#include <string>
#include <utility>
#include <vector>

#include "trainers/loop/observer.h"
#include "trainers/loop/step_log.h"

namespace TEMPER_API temper {

/// A line of metrics.jsonl of a run folder, one JSON object:
///   {"event":"step","epoch":1,"step":20,"total_step":20,"loss":2.1,"lr":0.1,"grad_norm":3.2,"images_per_second":812}
///   {"event":"epoch","epoch":1,"train_loss":1.9,"lr":0.1,"clean":61.2,"robust":40.1,...,"seconds":12.1,"best":true}
///   {"event":"warning","epoch":7,"text":"..."}
///   {"event":"plans","epoch":1,"made":93,"seconds":2.7,"trial_seconds":0.4}
///     what was chosen ahead on a GPU; the epoch's seconds hold these, and these the trials of plans
/// A method's own numbers stand in "method":{"name":value,...} of step and epoch lines.
/// Accuracies are percent of the validation images.
std::string step_line(const StepReport& report, double grad_norm, const Metrics& of_method);
std::string epoch_line(const EpochReport& report, const Metrics& of_method);
std::string warning_line(int64_t epoch, const std::string& text);
std::string plans_line(int64_t epoch, const PlansMade& made);

/// What is read of one; a number that it lacks is 0.
struct MetricLine {
  std::string text, event;
  int64_t epoch = 0, step = 0, total_step = 0;
  double seconds = 0;
  Metrics of_method = {};
};

/// The lines of a file of that kind, in order; none where there is no file. What is not JSON is left out: a crash may
/// cut a line off. Throws Error, with file and line, for JSON that is no such object.
std::vector<MetricLine> read_metric_lines(const std::string& file);

}  // namespace temper
