#pragma once
#include <sys/types.h>

#include <vector>

namespace temper::bench {

/// Processes that each keep one CPU busy, on whichever CPU the system schedules them. They sleep until a Busy wakes
/// them, and end with this object or with this process.
class BusyProcesses {
 public:
  explicit BusyProcesses(int count);
  ~BusyProcesses();
  BusyProcesses(const BusyProcesses&) = delete;

  int count() const { return static_cast<int>(children_.size()); }
  void resume() const;
  void rest() const;

 private:
  std::vector<pid_t> children_;
};

/// The processes are busy during the lifetime of this object.
class Busy {
 public:
  explicit Busy(const BusyProcesses& processes) : processes_(processes) { processes_.resume(); }
  ~Busy() { processes_.rest(); }
  Busy(const Busy&) = delete;

 private:
  const BusyProcesses& processes_;
};

}  // namespace temper::bench
