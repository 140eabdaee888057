#include "attacks/slices.h"

#include <algorithm>

#include "attacks/gradient_watch.h"
#include "kernels/runtime/memory.h"

namespace temper {

Tensor attack_in_slices(Engine& engine, const Batch& batch, int64_t rows,
                        const std::function<Tensor(const BatchSlice&)>& attack) {
  if (rows >= batch.size()) return attack({batch, 0});
  Arena& arena = engine.arena();
  const Tensor result = arena.tensor(batch.images.shape, batch.images.dtype);
  const GradientWatch watch(engine, batch);
  for (int64_t first = 0; first < batch.size(); first += rows) {
    const int64_t count = std::min(rows, batch.size() - first);
    const Arena::Scope scope(arena);
    const Tensor made = attack({{.images = batch.images.rows(first, count),
                                 .labels = batch.labels.rows(first, count),
                                 .ids = batch.ids.rows(first, count),
                                 .notes = watch.notes().rows(first, count)},
                                first});
    copy(engine.stream(), result.rows(first, count).data, result.device, made.data, made.device, made.bytes());
  }
  watch.report();
  return result;
}

int64_t samples_at_a_time(int64_t samples, int threads, size_t bytes) {
  constexpr size_t kOfThread = size_t{5} << 18;
  constexpr int64_t kFew = 4;
  const auto up = [](int64_t a, int64_t b) { return (a + b - 1) / b; };
  const int64_t most = std::max(kFew, static_cast<int64_t>(kOfThread / std::max<size_t>(bytes, 1))) * threads;
  return up(up(samples, up(samples, most)), threads) * threads;
}

}  // namespace temper
