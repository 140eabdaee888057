#pragma once
// Building blocks of analyses that observe training.
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "analysis/records.h"
#include "core/files/file.h"
#include "trainers/loop/loop.h"
#include "trainers/state/state.h"

namespace temper {

/// An observer that forwards every call to another one.
class Watch : public Observer {
 public:
  explicit Watch(Observer& next) : next_(next) {}
  void on_start(const StartReport& r) override { next_.on_start(r); }
  void on_state(TrainingState& s) override { next_.on_state(s); }
  void on_step(const StepReport& r) override { next_.on_step(r); }
  void on_evaluate(const std::string& what, int64_t done, int64_t total) override {
    next_.on_evaluate(what, done, total);
  }
  void on_epoch(const EpochReport& r) override { next_.on_epoch(r); }
  void on_warning(const std::string& text) override { next_.on_warning(text); }
  void on_plans(const PlansMade& made) override { next_.on_plans(made); }
  void on_end(const EndReport& r) override { next_.on_end(r); }
  void on_test(const EndReport& r) override { next_.on_test(r); }

 private:
  Observer& next_;
};

/// Numbers logged while an experiment trains, one JSON object per line, each written at once. A resumed run keeps the
/// lines up to the point of the resume.
class Notes {
 public:
  explicit Notes(std::filesystem::path file);
  /// To be called from on_start: drops lines of steps that the run will repeat.
  void start(const StartReport& r);
  void add(MetricRecord record);
  const std::vector<MetricRecord>& all() const { return records_; }

 private:
  std::string file_;
  std::vector<MetricRecord> records_;
  std::optional<Journal> journal_;  ///< from start() on
};

/// Logs numbers of the state every `every` steps.
class StepWatch : public Watch {
 public:
  /// The logged numbers. Throws Error if there are none; `who` begins the message.
  const std::vector<MetricRecord>& noted(const std::string& who) const;
  void on_start(const StartReport& r) override;
  void on_state(TrainingState& s) override;

 protected:
  StepWatch(Observer& next, std::filesystem::path file, int64_t every)
      : Watch(next), notes_(std::move(file)), every_(every) {}
  virtual std::vector<std::pair<std::string, double>> look(TrainingState& s) = 0;

 private:
  Notes notes_;
  int64_t every_;
};

/// Trains an experiment in a run folder, or resumes it there. Throws Interrupted after a signal.
void train_watched(Experiment& experiment, const RunFolder& folder, Observer& observer);

/// Indices of the parameters or buffers that a glob, or the glob with ".weight" appended, matches. Throws Error, with
/// the nearest name, if a glob matches nothing.
std::vector<int> match_layers(const ParamLayout& layout, const std::vector<std::string>& globs);

}  // namespace temper
