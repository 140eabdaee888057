#include "bench/peaks.h"

#include <cstring>
#include <functional>

#include "bench/measure.h"
#include "bench/peak_registers.h"
#include "core/gemm.h"
#include "kernels/fill/fill.h"
#include "kernels/runtime/memory.h"

namespace temper::bench {

namespace {

/// The shortest of the runs that fit into a third of a second, and of three at least; one before them warms up. The
/// shortest, because a peak is what the machine can do when nobody disturbs it.
double shortest(Stream stream, const std::function<void()>& run) {
  StreamTimer timer(stream);
  run();
  double best = 1e9, total = 0;
  for (int i = 0; i < 3 || total < 0.3; ++i) {
    timer.start();
    run();
    const double seconds = timer.stop();
    total += seconds;
    best = std::min(best, seconds);
  }
  return best;
}

double copy_peak(Stream stream) {
  const size_t bytes = 2 * last_level_cache(stream.device);
  char* data = static_cast<char*>(allocate(stream.device, 2 * bytes));
  set_zero(stream, data, 2 * bytes);
  constexpr int64_t kPieces = 64;
  const size_t piece = bytes / kPieces;
  const double seconds = shortest(stream, [&] {
    if (stream.device == Device::cuda) return copy(stream, data, stream.device, data + bytes, stream.device, bytes);
#pragma omp parallel for schedule(static)
    for (int64_t i = 0; i < kPieces; ++i) std::memcpy(data + i * piece, data + bytes + i * piece, piece);
  });
  release(stream.device, data, 2 * bytes);
  return 2.0 * static_cast<double>(piece * kPieces) / seconds;
}

/// A kernel on so many elements that every thread is woken, and hardly more.
double launch_time(Engine& engine) {
  const Arena::Scope scope(engine.arena());
  const Tensor t = engine.arena().tensor({1 << 14}, DType::f32);
  const auto run = [&] { fill<float>(engine.stream(), t.numel(), t.as<float>(), 0.f); };
  return shortest(engine.stream(), run);
}

Tensor zeros(Engine& engine, Shape shape, DType dtype) {
  const Tensor t = engine.arena().tensor(shape, dtype);
  set_zero(engine.stream(), t.data, t.bytes());
  return t;
}

double conv_flops(Engine& engine, const ConvShape& g, DType dtype) {
  const Arena::Scope scope(engine.arena());
  const Tensor x = zeros(engine, {g.n, g.h, g.w, g.c}, dtype), y = zeros(engine, {g.n, g.p(), g.q(), g.k}, dtype);
  const ConvFilter filter{.w = zeros(engine, {g.k, g.r, g.s, g.c}, DType::f32), .stamp = 1};
  const double seconds =
      shortest(engine.stream(), [&] { engine.conv().forward(engine.stream(), g, x, filter, {}, y); });
  return 2.0 * static_cast<double>(y.numel() * g.r * g.s * g.c) / seconds;
}

double gemm_flops(Engine& engine) {
  constexpr int64_t kSize = 1024;
  const Arena::Scope scope(engine.arena());
  const Tensor a = zeros(engine, {kSize, kSize}, DType::f32), b = zeros(engine, {kSize, kSize}, DType::f32);
  const Tensor c = zeros(engine, {kSize, kSize}, DType::f32);
  const double seconds =
      shortest(engine.stream(), [&] { gemm(engine.stream(), Transpose::yes, Transpose::no, a, b, {}, c); });
  return 2.0 * kSize * kSize * kSize / seconds;
}

}  // namespace

Peaks measure_peaks(Engine& engine, const std::vector<DType>& types) {
  Peaks peaks{.copy = copy_peak(engine.stream()), .launch = launch_time(engine)};
  for (const DType t : types) {
    if (t != DType::f32 && t != DType::bf16) continue;
    const auto offer = [&](const char* probe, double flops) {
      if (flops <= peaks.flops[name(t)]) return;
      peaks.flops[name(t)] = flops;
      peaks.by[name(t)] = probe;
    };
    if (engine.device() == Device::cpu) offer("multiply-adds in registers", register_flops(t));
    if (t == DType::f32) offer("gemm 1024", gemm_flops(engine));
    if (!engine.conv().supports(t)) continue;
    offer("1x1 convolution as gemm 4096 x 1024 x 1024",
          conv_flops(engine, {.n = 16, .h = 16, .w = 16, .c = 1024, .k = 1024, .r = 1, .s = 1}, t));
    offer("3x3 convolution 16x16x256",
          conv_flops(engine, {.n = 16, .h = 16, .w = 16, .c = 256, .k = 256, .r = 3, .s = 3, .pad = 1}, t));
  }
  return peaks;
}

Limit limit_of(const Peaks& peaks, double bytes, double flops, DType dtype) {
  if (bytes <= 0 && flops <= 0) return {};
  const auto known = peaks.flops.find(name(dtype));
  const double memory = peaks.copy > 0 ? bytes / peaks.copy : 0;
  const double compute = known != peaks.flops.end() && known->second > 0 ? flops / known->second : 0;
  if (peaks.launch > std::max(memory, compute)) return {"launch", peaks.launch};
  return memory > compute ? Limit{"memory", memory} : Limit{"compute", compute};
}

}  // namespace temper::bench
