#include "bench/peaks.h"

#include <cstring>
#include <functional>

#include "bench/gpu_state.h"
#include "bench/measure.h"
#include "bench/peak_registers.h"
#include "bench/random_data.h"
#include "core/convolution/conv_epilogue.h"
#include "core/gemm/gemm.h"
#include "kernels/fill/fill.h"
#include "kernels/runtime/device_array.h"
#if defined(TEMPER_CUDA)
#include "bench/peaks_cublas.h"
#endif

namespace temper::bench {

namespace {

constexpr double kProbe = 0.3;             // seconds of samples
constexpr double kSample = 5e-3;           // of one on a GPU: several runs
constexpr size_t kCopy = size_t{1} << 30;  // bytes on a GPU that has many more

/// `work` per run over the time of a run: of the shortest sample, because a peak is what the machine can do when
/// nothing disturbs it, and of the median one, which is what it goes on doing.
Peak probe(Stream stream, const std::string& name, double work, const std::function<void()>& run) {
  const Runs runs{.stream = stream, .run = [&](int) { run(); }};
  const int count = stream.device == Device::cpu ? 1 : hot_runs(runs, kSample);
  Series series(runs, count, 1);
  std::vector<double> samples;
  for (double total = 0; samples.size() < 3 || total < kProbe; total += samples.back() * count)
    samples.push_back(series());
  return {.best = work / *std::min_element(samples.begin(), samples.end()),
          .median = work / median(samples),
          .probe = name};
}

Peak copy_peak(Stream stream) {
  const bool cpu = stream.device == Device::cpu;
  constexpr int64_t kPieces = 64;
  const size_t piece =
      (cpu ? 2 * last_level_cache(stream.device) : std::min(kCopy, device_memory().total / 32)) / kPieces;
  const size_t bytes = piece * kPieces;
  const DeviceArray<char> from(stream, bytes), to(stream, bytes);
  randomize(stream, {from.data(), {static_cast<int64_t>(bytes / sizeof(float))}, DType::f32, stream.device}, 1);
  return probe(stream, cat("copy of ", bytes >> 20, " MB, read and written"), 2.0 * static_cast<double>(bytes), [&] {
    if (!cpu) return copy(stream, to.data(), stream.device, from.data(), stream.device, bytes);
    each_item(stream.team, kPieces,
              [&](int64_t i, int) { std::memcpy(to.data() + i * piece, from.data() + i * piece, piece); });
  });
}

/// A kernel on so many elements that every thread is woken, and hardly more.
double launch_time(Stream stream) {
  const DeviceArray<float> t(stream, size_t{1} << 14);
  const Runs runs{.stream = stream,
                  .run = [&](int) { fill<float>(stream, static_cast<int64_t>(t.size()), t.data(), 0.f); },
                  .launcher = Launcher::device};
  const Timing timing = measure(Mode::hot, {.min_time = 0.01, .timeout = 0.2}, nullptr, runs);
  return *std::min_element(timing.samples.begin(), timing.samples.end());
}

Tensor random(Engine& engine, Shape shape, DType dtype) {
  static uint32_t seed = 1;
  const Tensor t = engine.arena().tensor(shape, dtype);
  randomize(engine.stream(), t, seed++);
  return t;
}

Peak conv_peak(Engine& engine, const char* name, const ConvShape& g, DType dtype) {
  const Arena::Scope scope(engine.arena());
  const Tensor x = random(engine, {g.n, g.h, g.w, g.c}, dtype), y = random(engine, {g.n, g.p(), g.q(), g.k}, dtype);
  const ConvFilter filter{.w = random(engine, {g.k, g.r, g.s, g.c}, DType::f32), .version = 1};
  const double flops = 2.0 * static_cast<double>(y.numel() * g.r * g.s * g.c);
  return probe(engine.stream(), name, flops,
               [&] { convolve(engine.conv(), engine.stream(), {.shape = g, .x = x, .filter = filter, .y = y}); });
}

Peak gemm_peak(Engine& engine) {
  constexpr int64_t kSize = 1024;
  const Arena::Scope scope(engine.arena());
  const auto matrix = [&] { return random(engine, {kSize, kSize}, DType::f32); };
  const Tensor a = matrix(), b = matrix(), c = matrix();
  return probe(engine.stream(), "gemm 1024", 2.0 * kSize * kSize * kSize,
               [&] { gemm(engine.stream(), Transpose::yes, Transpose::no, a, b, {}, c); });
}

Peak cpu_peak(Engine& engine, DType t) {
  Peak best;
  const auto offer = [&](const Peak& p) {
    if (p.best > best.best) best = p;
  };
  const double registers = register_flops(engine.team(), t);
  offer({.best = registers, .median = registers, .probe = "multiply-adds in registers"});
  if (t == DType::f32) offer(gemm_peak(engine));
  if (!engine.conv().supports(t)) return best;
  offer(conv_peak(engine, "1x1 convolution as gemm 4096 x 1024 x 1024",
                  {.n = 16, .h = 16, .w = 16, .c = 1024, .k = 1024, .r = 1, .s = 1}, t));
  offer(conv_peak(engine, "3x3 convolution 16x16x256",
                  {.n = 16, .h = 16, .w = 16, .c = 256, .k = 256, .r = 3, .s = 3, .pad = 1}, t));
  return best;
}

#if defined(TEMPER_CUDA)
/// Of the largest product that does not take long; 8192 on any GPU that trains networks.
Peak cuda_peak(Stream stream, const std::string& math) {
  constexpr int64_t kLargest = 8192;
  constexpr double kLong = 5e-3;
  for (int64_t n = 256;; n *= 2) {
    CublasProduct product(stream, math, n);
    const Runs once{.stream = stream, .run = [&](int) { product(); }};
    if (n < kLargest && Series(once, 1, 1)() < kLong) continue;
    const double size = static_cast<double>(n);
    return probe(stream, cat("cuBLASLt product of ", n, " x ", n, " matrices"), 2 * size * size * size,
                 [&] { product(); });
  }
}
#endif

}  // namespace

Peaks measure_peaks(Engine& engine, const std::set<std::string>& maths) {
  const Stream stream = engine.stream();
  Peaks peaks;
  const auto attempt = [&](const std::string& what, const std::function<void()>& probe) {
    try {
      probe();
    } catch (const Error& e) {
      peaks.failed[what] = e.what();
    }
  };
  attempt("copy", [&] { peaks.copy = copy_peak(stream); });
  attempt("launch", [&] { peaks.launch = launch_time(stream); });
  for (const std::string math : {"f32", "tf32", "bf16", "f16"}) {
    if (!maths.count(math)) continue;
#if defined(TEMPER_CUDA)
    if (engine.device() == Device::cuda) attempt(math, [&] { peaks.flops[math] = cuda_peak(stream, math); });
#endif
    // On the CPU tf32 is f32, and f16 is there for checking only.
    if (engine.device() == Device::cpu && math != "f16")
      attempt(math, [&] { peaks.flops[math] = cpu_peak(engine, math == "bf16" ? DType::bf16 : DType::f32); });
  }
  return peaks;
}

nlohmann::ordered_json to_json(const Peaks& peaks) {
  nlohmann::ordered_json j{{"fill", kFill},
                           {"copy_bytes_per_second", peaks.copy.best},
                           {"copy_median_bytes_per_second", peaks.copy.median},
                           {"copy_probe", peaks.copy.probe},
                           {"launch_seconds", peaks.launch}};
  for (const auto& [math, p] : peaks.flops)
    j[math] = {{"flops_per_second", p.best}, {"median_flops_per_second", p.median}, {"probe", p.probe}};
  for (const auto& [math, why] : peaks.failed) j[math] = {{"failed", why}};
  return j;
}

Limit limit_of(const Peaks& peaks, double bytes, double flops, const std::string& math) {
  if (bytes <= 0 && flops <= 0) return {};
  const auto known = peaks.flops.find(math);
  const double memory = peaks.copy.best > 0 ? bytes / peaks.copy.best : 0;
  const double compute = known != peaks.flops.end() && known->second.best > 0 ? flops / known->second.best : 0;
  if (peaks.launch > std::max(memory, compute)) return {"launch", peaks.launch};
  return memory > compute ? Limit{"memory", memory} : Limit{"compute", compute};
}

}  // namespace temper::bench
