#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "bench/event_clock.h"
#include "bench/stats.h"
#include "core/graph/step_graph.h"
#include "kernels/runtime/memory.h"

namespace temper::bench {

/// When there are samples enough: at least `min_samples` and `min_time` seconds of them, and either the 95 % interval
/// of their median is within `max_noise` of it, or `timeout` seconds have passed.
struct StopRule {
  double max_noise = 0.005, min_time = 0.1, timeout = 2;
  int min_samples = 10;
};

/// Cold: no run finds its data in the last-level cache. Hot: every run works on the data of the one before.
enum class Mode : uint8_t { cold, hot };
const char* name(Mode mode);

/// Who starts the runs of a sample: the host, whose own time is then part of it, as it is of a whole training step; or
/// the device, from a recording, where it can: a kernel's time alone, as within a recorded step.
enum class Launcher : uint8_t { host, device };

/// What is timed: run(i) does the same for every i from 0 to `sets` - 1, each with data of its own.
struct Runs {
  Stream stream = {};  ///< where; of a run that waits for its device by itself the CPU's, and the clock's time is taken
  std::function<void(int)> run;
  int sets = 1;
  Launcher launcher = Launcher::host;
};

struct Timing {
  std::vector<double> samples;  ///< seconds per run, in the order they were taken
  std::string stopped;          ///< "noise" or "timeout"
  std::string how = {};         ///< what one sample is

  double median() const { return bench::median(samples); }
  double noise() const { return median_noise(samples); }
};

/// Fills the last-level cache of the device with something else.
class CacheFlush {
 public:
  explicit CacheFlush(Stream stream);
  void operator()();
  size_t bytes() const { return memory_.bytes(); }  ///< twice the cache

 private:
  Stream stream_;
  Memory memory_;
};

/// Seconds of work on a stream: the clock's on the CPU, events' on CUDA.
class StreamTimer {
 public:
  explicit StreamTimer(Stream stream) : stream_(stream), clock_(make_event_clock(stream.device)) {}
  void start();
  double stop();  ///< waits for the stream

 private:
  Stream stream_;
  std::unique_ptr<DeviceClock> clock_;  ///< none: the host's will do
  double started_ = 0;
  int from_ = 0;
};

/// The same number of runs again and again, set after set.
class Series {
 public:
  /// Of runs that a device launches every set is run once, so that nothing is met for the first time in a recording.
  Series(const Runs& runs, int count, int sets);
  /// Seconds per run.
  double operator()();
  const std::string& how() const { return how_; }

 private:
  void record();
  void run_all(int count) const;

  const Runs& runs_;
  int count_, sets_;
  StreamTimer timer_;
  std::unique_ptr<RecordedWork> recorded_;
  std::string how_;
};

/// The size of the last-level cache: L3 of the CPU, L2 of a GPU.
size_t last_level_cache(Device device);

/// How many sets of so many bytes a device has to work on in turn for a set to have left its last-level cache when its
/// turn comes again: twice the cache, but not more than 256 sets. On the CPU one: a flush empties its caches.
int rotation(Device device, double bytes);

/// `flush` is needed where something is measured cold and not by the device from several sets.
Timing measure(Mode mode, const StopRule& rule, CacheFlush* flush, const Runs& runs);

/// Whether cold runs need a flush before each of them.
bool needs_flush(const Runs& runs);

/// Runs that make a hot sample long enough.
int hot_runs(const Runs& runs, double seconds);

}  // namespace temper::bench
