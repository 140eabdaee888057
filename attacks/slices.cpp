#include "attacks/slices.h"

#include <omp.h>

#include <algorithm>

#include "kernels/runtime/memory.h"

namespace temper {

Tensor attack_in_slices(Engine& engine, const Batch& batch, int64_t rows,
                        const std::function<Tensor(const BatchSlice&)>& attack) {
  if (rows >= batch.size()) return attack({batch, 0});
  Arena& arena = engine.arena();
  const Tensor result = arena.tensor(batch.images.shape, batch.images.dtype);
  for (int64_t first = 0; first < batch.size(); first += rows) {
    const int64_t count = std::min(rows, batch.size() - first);
    const Arena::Scope scope(arena);
    const Tensor made = attack({{.images = batch.images.rows(first, count),
                                 .labels = batch.labels.rows(first, count),
                                 .ids = batch.ids.rows(first, count)},
                                first});
    copy(engine.stream(), result.rows(first, count).data, result.device, made.data, made.device, made.bytes());
  }
  return result;
}

int64_t samples_at_a_time(const Engine& engine, const Batch& batch, int64_t parameters) {
  constexpr int64_t kSmall = 1 << 18, kOfThread = 4;
  return engine.device() == Device::cpu && parameters <= kSmall ? kOfThread * omp_get_max_threads() : batch.size();
}

}  // namespace temper
