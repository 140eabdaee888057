#include "attacks/slices.h"

#include <algorithm>

#include "attacks/attack_observer.h"
#include "kernels/runtime/memory.h"
#include "kernels/runtime/range.h"

namespace temper {

namespace {

int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

bool on_workers(Engine& engine) { return engine.stream().team && !listing(engine.stream()); }

}  // namespace

void each_slice(Engine& engine, const Batch& batch, int64_t rows,
                const std::function<void(Engine&, const BatchSlice&)>& f) {
  const int64_t slices = ceil_div(batch.size(), rows);
  const auto one = [&](Engine& on, int64_t i) {
    const Arena::Scope scope(on.arena());
    const int64_t first = i * rows, count = std::min(rows, batch.size() - first);
    f(on, {{.images = batch.images.rows(first, count),
            .labels = batch.labels.rows(first, count),
            .ids = batch.ids.rows(first, count),
            .notes = batch.notes ? batch.notes.rows(first, count) : Tensor{}},
           first});
  };
  if (!on_workers(engine)) {
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

Tensor attack_in_slices(Engine& engine, const Batch& batch, int64_t rows,
                        const std::function<Tensor(Engine&, const BatchSlice&)>& attack) {
  if (rows >= batch.size()) return attack(engine, {batch, 0});
  const Tensor result = engine.arena().tensor(batch.images.shape, batch.images.dtype);
  each_slice(engine, batch, rows, [&](Engine& on, const BatchSlice& slice) {
    const Tensor made = attack(on, slice);
    const Tensor to = result.rows(slice.first, slice.batch.size());
    copy(on.stream(), to.data, to.device, made.data, made.device, made.bytes());
  });
  if (AttackObserver* observer = engine.options().attacks; observer && on_workers(engine))
    observer->on_found(engine, result);
  return result;
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
