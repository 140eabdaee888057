#include "kernels/runtime/capture.h"

namespace temper {

void Capture::begin(Mode mode) {
  TEMPER_CHECK(mode_ == Mode::doing, "capture: a ", recording() ? "recording" : "planning pass",
               " is under way; end it before another begins");
  mode_ = mode;
  ++generation_;
  last_ = "";
  now_ = {};
}

void Capture::begin() { begin(Mode::recording); }

CapturedStep Capture::end() {
  mode_ = Mode::doing;
  return std::exchange(now_, {});
}

void Capture::abandon() {
  if (recording()) ++generation_;
  end();
}

void Capture::begin_planning() { begin(Mode::planning); }

void Capture::end_planning() {
  mode_ = Mode::doing;
  ++generation_;
  for (; !undo_.empty(); undo_.pop_back()) undo_.back()();
}

void Capture::forbid_in_capture(const char* what) const {
  if (mode_ == Mode::doing) return;
  throw NotRepeatable(cat(what, *last_ ? cat(" after ", last_) : "", ", which cannot be captured"));
}

void Capture::on_replay(std::function<void()> f) {
  if (recording()) now_.on_replay.push_back(std::move(f));
}

void Capture::undo(std::function<void()> f) {
  if (planning()) undo_.push_back(std::move(f));
}

void Capture::entered(const char* name) {
  if (mode_ != Mode::doing) last_ = name;
}

void Capture::launched(CapturedStep::Launch launch) {
  if (mode_ != Mode::doing) now_.launches.push_back(std::move(launch));
}

}  // namespace temper
