#include "kernels/runtime/capture.h"

#include "kernels/runtime/check.h"

namespace temper {

void Capture::begin() {
  TEMPER_CHECK(!recording_, "capture: a recording is under way; end it before another begins");
  recording_ = true;
  ++generation_;
  last_ = "";
  now_ = {};
}

Recording Capture::end() {
  recording_ = false;
  return std::exchange(now_, {});
}

void Capture::abandon() {
  if (recording_) ++generation_;
  end();
}

void Capture::forbid(const char* what) const {
  TEMPER_CHECK(!recording_, what, *last_ ? cat(" after ", last_) : "",
               ", which cannot be repeated by the device alone");
}

void Capture::host(std::function<void()> f) {
  if (recording_) now_.host.push_back(std::move(f));
}

void Capture::entered(const char* name) {
  if (recording_) last_ = name;
}

void Capture::launched(Recording::Launch launch) {
  if (recording_) now_.launches.push_back(std::move(launch));
}

}  // namespace temper
