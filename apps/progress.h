#pragma once
#include <chrono>
#include <optional>
#include <ostream>
#include <string>

#include "apps/terminal.h"
#include "trainers/loop/observer.h"

namespace temper {

/// The contents of the progress line; unknown values are omitted.
struct ProgressView {
  std::string task;     ///< "epoch 3/6", "PGD-20"
  double fraction = 0;  ///< done, 0 to 1
  std::optional<double> seconds_left, images_per_second, loss, clean, robust;
};

/// One line of at most `columns` characters: first the bar shrinks, then parts at the end are omitted.
std::string progress_line(const ProgressView& view, const Terminal& terminal, int columns);

/// "0:42", "3:05", "2:07:11"
std::string clock_text(double seconds);

enum class Verbosity { quiet, normal };

/// Shows a run: a table with one line per epoch and, on a terminal, a progress line below it.
class ConsoleObserver : public Observer {
 public:
  ConsoleObserver(std::ostream& out, std::ostream& err, Terminal terminal, Verbosity verbosity);
  ~ConsoleObserver() override { clear(); }

  void on_start(const StartReport& report) override;
  void on_step(const StepReport& report) override;
  void on_evaluate(const std::string& what, int64_t done, int64_t total) override;
  void on_epoch(const EpochReport& report) override;
  void on_warning(const std::string& text) override;
  void on_plans(const PlansMade& made) override;
  void on_end(const EndReport& report) override;
  void on_test(const EndReport& report) override;

  /// Prints a line above the progress line.
  void line(const std::string& text);
  /// Removes the progress line.
  void clear();

 private:
  using Clock = std::chrono::steady_clock;
  void show(const ProgressView& view, bool last);

  std::ostream &out_, &err_;
  Terminal terminal_;
  Verbosity verbosity_;
  Clock::time_point begin_ = Clock::now(), shown_{}, task_begin_ = Clock::now();
  double fraction_at_begin_ = 0;
  int64_t done_at_begin_ = 0;  ///< images of the task when its clock started
  bool visible_ = false;
  std::string task_;
  ProgressView training_;
};

}  // namespace temper
