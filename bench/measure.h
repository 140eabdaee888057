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

/// When to stop sampling: after at least `min_samples` samples and `min_time` seconds, as soon as the 95 % interval of
/// the median is within `max_noise` of it, or `timeout` seconds have passed.
struct StopRule {
  double max_noise = 0.005, min_time = 0.1, timeout = 2;
  int min_samples = 10;
};

/// Cold: no run finds its data in the last-level cache. Hot: every run works on the data of the one before.
enum class Mode : uint8_t { cold, hot };
const char* name(Mode mode);

/// Who launches the runs of a sample. host: the host's time is part of the sample, as in a training step. device: where
/// possible the runs are captured as a graph, which gives the kernel's time alone, as in a captured step.
enum class Launcher : uint8_t { host, device };

/// What is timed: run(i) does the same work for every i from 0 to `sets` - 1, each on its own data.
struct Runs {
  Stream stream = {};  ///< of the work; the CPU's if run() waits for its device: the host's clock is used then
  std::function<void(int)> run;
  int sets = 1;
  Launcher launcher = Launcher::host;
};

struct Timing {
  std::vector<double> samples;  ///< seconds per run, in order of time
  std::string stopped;          ///< "noise" or "timeout"
  std::string how = {};         ///< what one sample is

  double median() const { return bench::median(samples); }
  double noise() const { return median_noise(samples); }
};

/// Fills the last-level cache of the device with other data.
class CacheFlush {
 public:
  explicit CacheFlush(Stream stream);
  void operator()();
  size_t bytes() const { return memory_.bytes(); }  ///< twice the cache

 private:
  Stream stream_;
  Memory memory_;
};

/// Measures the seconds of work on a stream: by the host's clock on the CPU, by events on CUDA.
class StreamTimer {
 public:
  explicit StreamTimer(Stream stream) : stream_(stream), clock_(make_event_clock(stream.device)) {}
  void start();
  double stop();  ///< waits for the stream

 private:
  Stream stream_;
  std::unique_ptr<DeviceClock> clock_;  ///< null: the host's clock
  double started_ = 0;
  int from_ = 0;
};

/// Times the same number of runs repeatedly, and goes through the sets in turn.
class Series {
 public:
  /// If the device launches, every set is run once first, so that nothing happens for the first time during a capture.
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

/// The number of sets of `bytes` bytes such that a set has left the last-level cache when its turn comes again: twice
/// the cache, at most 256 sets. 1 on the CPU, whose caches are flushed instead.
int rotation(Device device, double bytes);

/// `flush` is needed for cold runs for which needs_flush() is true; may be null otherwise.
Timing measure(Mode mode, const StopRule& rule, CacheFlush* flush, const Runs& runs);

/// Whether cold runs need a flush before each of them.
bool needs_flush(const Runs& runs);

/// The number of runs that makes a hot sample long enough.
int hot_runs(const Runs& runs, double seconds);

}  // namespace temper::bench
