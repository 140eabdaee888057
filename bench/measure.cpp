#include "bench/measure.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>

#include "kernels/runtime/memory.h"
#if defined(TEMPER_CUDA)
#include "kernels/runtime/cuda_call.h"
#endif

namespace temper::bench {

namespace {

constexpr double kHotSample = 0.5e-3;
constexpr size_t kMaxSamples = 1000;

double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

double time_runs(StreamTimer& timer, int runs, const std::function<void()>& run) {
  timer.start();
  for (int i = 0; i < runs; ++i) run();
  return timer.stop() / runs;
}

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

CacheFlush::CacheFlush(Stream stream)
    : stream_(stream), bytes_(2 * last_level_cache(stream.device)), data_(allocate(stream.device, bytes_)) {}
CacheFlush::~CacheFlush() { release(stream_.device, data_, bytes_); }

void CacheFlush::operator()() {
  if (stream_.device == Device::cuda) return set_zero(stream_, data_, bytes_);
  // By all threads: private caches are part of what has to be emptied.
  char* data = static_cast<char*>(data_);
  const int64_t lines = static_cast<int64_t>(bytes_ / 64);
#pragma omp parallel for schedule(static)
  for (int64_t i = 0; i < lines; ++i) ++data[i * 64];
}

StreamTimer::StreamTimer(Stream stream) : stream_(stream) {
#if defined(TEMPER_CUDA)
  if (stream.device == Device::cuda)
    for (void*& event : events_) {
      cudaEvent_t made;
      TEMPER_CUDA_CALL(cudaEventCreate(&made));
      event = made;
    }
#endif
}

StreamTimer::~StreamTimer() {
#if defined(TEMPER_CUDA)
  for (void* event : events_)
    if (event) cudaEventDestroy(static_cast<cudaEvent_t>(event));
#endif
}

void StreamTimer::start() {
#if defined(TEMPER_CUDA)
  if (stream_.device == Device::cuda) {
    TEMPER_CUDA_CALL(cudaEventRecord(static_cast<cudaEvent_t>(events_[0]), static_cast<cudaStream_t>(stream_.handle)));
    return;
  }
#endif
  started_ = now();
}

double StreamTimer::stop() {
#if defined(TEMPER_CUDA)
  if (stream_.device == Device::cuda) {
    const auto from = static_cast<cudaEvent_t>(events_[0]), to = static_cast<cudaEvent_t>(events_[1]);
    TEMPER_CUDA_CALL(cudaEventRecord(to, static_cast<cudaStream_t>(stream_.handle)));
    TEMPER_CUDA_CALL(cudaEventSynchronize(to));
    float ms = 0;
    TEMPER_CUDA_CALL(cudaEventElapsedTime(&ms, from, to));
    return ms * 1e-3;
  }
#endif
  return now() - started_;
}

int hot_runs(Stream stream, const std::function<void()>& run, double seconds) {
  StreamTimer timer(stream);
  double best = 1e9;
  for (int i = 0; i == 0 || (i < 3 && best < seconds); ++i) best = std::min(best, time_runs(timer, 1, run));
  return static_cast<int>(std::clamp(std::ceil(seconds / std::max(best, 1e-9)), 1.0, 10000.0));
}

Timing measure(Stream stream, Mode mode, const StopRule& rule, CacheFlush* flush, const std::function<void()>& run) {
  StreamTimer timer(stream);
  run();
  synchronize(stream);
  const int runs = mode == Mode::cold ? 1 : hot_runs(stream, run, kHotSample);
  Timing t;
  double total = 0;
  size_t check_at = static_cast<size_t>(rule.min_samples);
  for (const double start = now();;) {
    if (mode == Mode::cold) {
      (*flush)();
      synchronize(stream);
    }
    t.samples.push_back(time_runs(timer, runs, run));
    total += t.samples.back() * runs;
    const bool late = now() - start >= rule.timeout || t.samples.size() >= kMaxSamples;
    if (late && (static_cast<int>(t.samples.size()) >= rule.min_samples || now() - start >= 5 * rule.timeout)) {
      t.stopped = "timeout";
      return t;
    }
    if (t.samples.size() < check_at || total < rule.min_time) continue;
    if (t.noise() <= rule.max_noise) {
      t.stopped = "noise";
      return t;
    }
    check_at += check_at / 4 + 1;
  }
}

}  // namespace temper::bench
