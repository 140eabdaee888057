#include "attacks/slices.h"

#include <algorithm>

#include "kernels/runtime/ceil_div.h"
#include "kernels/runtime/memory.h"
#include "kernels/runtime/range.h"

namespace temper {

namespace {

bool on_workers(Engine& engine) { return engine.stream().team && !listing(engine.stream()); }

}  // namespace

void each_slice(Engine& engine, int64_t samples, int64_t rows,
                const std::function<void(Engine&, const BatchRows&)>& f) {
  const int64_t slices = ceil_div(samples, rows);
  const auto one = [&](Engine& on, int64_t i) {
    const Arena::Scope scope(on.arena());
    const int64_t first = i * rows;
    f(on, BatchRows(on, first, std::min(rows, samples - first)));
  };
  if (slices == 1 || !on_workers(engine)) {
    for (int64_t i = 0; i < slices; ++i) one(engine, i);
    return;
  }
  const auto& workers = engine.workers();
  each_item(&engine.team(), slices, [&](int64_t i, int thread) { one(*workers[thread], i); });
  RangeLog* const log = engine.stream().ranges;
  if (!log) return;
  for (const std::unique_ptr<Engine>& worker : workers) {
    log->absorb(*worker->stream().ranges, engine.team().size());
    worker->stream().ranges->clear();
  }
}

Tensor predict_in_slices(Engine& engine, const Network& network, const Tensor& images, Pass pass) {
  const int64_t n = images.shape[0], rows = samples_at_a_time(engine, network, pass.bn, n);
  if (rows >= n) return network.predict(engine, images, pass);
  const Tensor logits = engine.arena().tensor({n, network.options().data.classes}, network.options().dtype);
  each_slice(engine, n, rows, [&](Engine& on, const BatchRows& of) {
    const Tensor made = network.predict(on, of(images), pass), to = of(logits);
    copy(on.stream(), to.data, to.device, made.data, made.device, made.bytes());
  });
  return logits;
}

int64_t samples_at_a_time(const SliceCosts& costs) {
  constexpr size_t kOfThread = size_t{5} << 18, kOfAll = size_t{16} << 20;
  constexpr int64_t kFew = 4;
  const size_t bytes = std::max<size_t>(costs.sample_bytes, 1), filters = 4 * costs.filter_bytes;  // when prepared
  const int64_t of_cache = static_cast<int64_t>(kOfThread / bytes), of_filters = static_cast<int64_t>(filters / bytes);
  const int64_t most = std::max({kFew, of_cache, of_filters});
  const int64_t rows = ceil_div(costs.samples, ceil_div(ceil_div(costs.samples, most), costs.threads) * costs.threads);
  return filters > kOfAll && 2 * rows < of_filters ? costs.samples : rows;
}

int64_t samples_at_a_time(Engine& engine, const Network& network, BnStats bn, int64_t samples) {
  if (bn != BnStats::running || engine.device() != Device::cpu || !engine.uses(Optimisation::slices)) return samples;
  return samples_at_a_time({.samples = samples,
                            .threads = threads_of(engine.stream().team),
                            .sample_bytes = network.activation_bytes(engine),
                            .filter_bytes = network.params().numel() * sizeof(float)});
}

}  // namespace temper
