#pragma once
#include <functional>
#include <string>
#include <vector>

#include "bench/stats.h"
#include "kernels/runtime/stream.h"

namespace temper::bench {

/// When there are samples enough: at least `min_samples` and `min_time` seconds of them, and either the 95 % interval
/// of their median is within `max_noise` of it, or `timeout` seconds have passed.
struct StopRule {
  double max_noise = 0.005, min_time = 0.1, timeout = 2;
  int min_samples = 10;
};

/// Cold: the last-level cache is flushed before every sample, which is one run. Hot: a sample is several runs in a row,
/// at least half a millisecond together.
enum class Mode : uint8_t { cold, hot };
const char* name(Mode mode);

struct Timing {
  std::vector<double> samples;  ///< seconds per run, in the order they were taken
  std::string stopped;          ///< "noise" or "timeout"

  double median() const { return bench::median(samples); }
  double noise() const { return median_noise(samples); }
};

/// Fills the last-level cache of the device with something else.
class CacheFlush {
 public:
  explicit CacheFlush(Stream stream);
  ~CacheFlush();
  CacheFlush(const CacheFlush&) = delete;
  void operator()();
  size_t bytes() const { return bytes_; }  ///< twice the cache

 private:
  Stream stream_;
  size_t bytes_;
  void* data_;
};

/// Seconds of work on a stream: the clock's on the CPU, events' on CUDA.
class StreamTimer {
 public:
  explicit StreamTimer(Stream stream);
  ~StreamTimer();
  StreamTimer(const StreamTimer&) = delete;
  void start();
  double stop();  ///< waits for the stream

 private:
  Stream stream_;
  double started_ = 0;
  void* events_[2] = {};
};

/// The size of the last-level cache: L3 of the CPU, L2 of a GPU.
size_t last_level_cache(Device device);

/// `flush` may be null where nothing is measured cold.
Timing measure(Stream stream, Mode mode, const StopRule& rule, CacheFlush* flush, const std::function<void()>& run);

/// Runs that make a hot sample long enough.
int hot_runs(Stream stream, const std::function<void()>& run, double seconds);

}  // namespace temper::bench
