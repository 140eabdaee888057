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
///   {"event":"probe","epoch":1,"step":20,"total_step":20,"robust":31.2}
///     robust accuracy of the images of loop.probe after a step
///   {"event":"warning","epoch":7,"text":"..."}
///   {"event":"plans","epoch":1,"made":93,"seconds":2.7,"trial_seconds":0.4}
///     plans made ahead on a GPU; "seconds" is part of the epoch's seconds, and "trial_seconds" of these
/// Step and epoch lines have a method's own numbers in "method":{"name":value,...}.
/// Accuracies are percent of the validation images.
std::string step_line(const StepReport& report, double grad_norm, const Metrics& of_method);
std::string epoch_line(const EpochReport& report, const Metrics& of_method);
std::string probe_line(const ProbeReport& report);
std::string warning_line(int64_t epoch, const std::string& text);
std::string plans_line(int64_t epoch, const PlansMade& made);

/// A parsed line; missing numbers are 0.
struct MetricLine {
  std::string text, event;
  int64_t epoch = 0, step = 0, total_step = 0;
  double seconds = 0;
  Metrics of_method = {};
};

/// The lines of such a file, in order; none if there is no file. Lines that are not JSON are ignored, because a crash
/// may truncate a line. Throws Error, with file and line, for JSON that is not such an object.
std::vector<MetricLine> read_metric_lines(const std::string& file);

}  // namespace temper
