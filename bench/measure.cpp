#include "bench/measure.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>

#include "kernels/runtime/check.h"
#include "kernels/runtime/memory.h"
#include "kernels/runtime/team.h"
#if defined(TEMPER_CUDA)
#include "kernels/runtime/cuda_call.h"
#endif

namespace temper::bench {

namespace {

constexpr double kHotSample = 0.5e-3;
constexpr size_t kMaxSamples = 1000;

double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

int multiple_of(int sets, int runs) { return (runs + sets - 1) / sets * sets; }

}  // namespace

const char* name(Mode mode) { return mode == Mode::cold ? "cold" : "hot"; }

size_t last_level_cache([[maybe_unused]] Device device) {
#if defined(TEMPER_CUDA)
  if (device == Device::cuda) {
    int bytes = 0;
    TEMPER_CUDA_CALL(cudaDeviceGetAttribute(&bytes, cudaDevAttrL2CacheSize, 0));
    return static_cast<size_t>(bytes);
  }
#endif
  const long bytes = std::max(sysconf(_SC_LEVEL3_CACHE_SIZE), sysconf(_SC_LEVEL2_CACHE_SIZE));
  return bytes > 0 ? static_cast<size_t>(bytes) : size_t{32} << 20;
}

CacheFlush::CacheFlush(Stream stream) : stream_(stream), memory_(stream.device, 2 * last_level_cache(stream.device)) {}

void CacheFlush::operator()() {
  if (stream_.device == Device::cuda) return set_zero(stream_, memory_.data(), memory_.bytes());
  // By all threads: private caches are part of what has to be emptied.
  char* data = memory_.as<char>();
  const int64_t lines = static_cast<int64_t>(bytes() / 64);
  in_pieces(stream_, lines, 64, [&](int64_t from, int64_t to) {
    for (int64_t i = from; i < to; ++i) ++data[i * 64];
  });
}

void StreamTimer::start() {
  if (clock_)
    from_ = clock_->mark(stream_);
  else
    started_ = now();
}

double StreamTimer::stop() {
  if (!clock_) return now() - started_;
  const int to = clock_->mark(stream_);
  synchronize(stream_);
  const double seconds = clock_->seconds(from_, to);
  clock_->release(from_);
  clock_->release(to);
  return seconds;
}

Series::Series(const Runs& runs, int count, int sets) : runs_(runs), count_(count), sets_(sets), timer_(runs.stream) {
  if (runs.launcher == Launcher::device) run_all(sets);
  synchronize(runs.stream);
  how_ = count == 1 ? "one run" : cat(count, " runs in a row");
  if (sets > 1) how_ += cat(" on ", sets, " sets of data in turn");
  if (runs.launcher == Launcher::device && runs.stream.device != Device::cpu) record();
}

void Series::run_all(int count) const {
  for (int i = 0; i < count; ++i) runs_.run(i % sets_);
}

void Series::record() {
  const std::unique_ptr<GraphRecorder> recorder = make_graph_recorder(runs_.stream.device);
  recorder->begin(runs_.stream);
  try {
    run_all(count_);
    recorded_ = recorder->end(runs_.stream);
    how_ += ", replayed by the device";
  } catch (const Error& e) {
    recorder->abandon(runs_.stream);
    how_ += cat(", each launched by the host, whose time is included, because they cannot be captured: ", e.what());
    return;
  }
  recorded_->launch(runs_.stream);
  synchronize(runs_.stream);
}

double Series::operator()() {
  // Untimed, once: while the device is busy with that, the host asks for what is timed.
  if (recorded_) recorded_->launch(runs_.stream);
  timer_.start();
  if (recorded_)
    recorded_->launch(runs_.stream);
  else
    run_all(count_);
  return timer_.stop() / count_;
}

int rotation(Device device, double bytes) {
  if (device == Device::cpu) return 1;
  const double sets = std::ceil(2 * static_cast<double>(last_level_cache(device)) / std::max(bytes, 1.0));
  return static_cast<int>(std::clamp(sets, 2.0, 256.0));
}

bool needs_flush(const Runs& runs) {
  return runs.stream.device == Device::cpu || runs.launcher == Launcher::host || runs.sets == 1;
}

int hot_runs(const Runs& runs, double seconds) {
  StreamTimer timer(runs.stream);
  double best = 1e9;
  for (int i = 0; i == 0 || (i < 3 && best < seconds); ++i) {
    timer.start();
    runs.run(0);
    best = std::min(best, timer.stop());
  }
  return static_cast<int>(std::clamp(std::ceil(seconds / std::max(best, 1e-9)), 1.0, 10000.0));
}

Timing measure(Mode mode, const StopRule& rule, CacheFlush* flush, const Runs& runs) {
  runs.run(0);
  synchronize(runs.stream);
  const bool cold = mode == Mode::cold, flushed = cold && needs_flush(runs);
  const int sets = cold ? runs.sets : 1, count = flushed ? 1 : multiple_of(sets, hot_runs(runs, kHotSample));
  Series series(runs, count, sets);
  Timing t{.samples = {}, .stopped = {}, .how = flushed ? "one run behind a flush of the cache" : series.how()};
  double total = 0;
  size_t check_at = static_cast<size_t>(rule.min_samples);
  for (const double start = now();;) {
    // Nobody waits for it: on a GPU the host has asked for the run before the cache is full.
    if (flushed) (*flush)();
    t.samples.push_back(series());
    total += t.samples.back() * count;
    const bool late = now() - start >= rule.timeout || t.samples.size() >= kMaxSamples;
    if (late && (static_cast<int>(t.samples.size()) >= rule.min_samples || now() - start >= 5 * rule.timeout)) {
      t.stopped = "timeout";
      return t;
    }
    if (t.samples.size() < check_at || total < rule.min_time) continue;
    if (!(t.noise() > rule.max_noise)) {
      t.stopped = "noise";
      return t;
    }
    check_at += check_at / 4 + 1;
  }
}

}  // namespace temper::bench
